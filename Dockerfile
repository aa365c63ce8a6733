# The command in an image of its own; docs/standalone.md says how to use it.
#   docker build --tag k6-remote-write .
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY mod.ts ./
COPY gen gen
COPY scripts scripts
COPY src src
RUN node scripts/binaries.mjs script --out /build/out

# The command is one file of JavaScript without dependencies, so the image needs Node alone, on any platform. Alpine has mkfifo,
# which `run` needs.
FROM node:24-alpine
COPY --from=build /build/out/k6-remote-write.mjs /usr/local/bin/k6-remote-write.mjs
USER node
WORKDIR /home/node
ENTRYPOINT ["node", "/usr/local/bin/k6-remote-write.mjs"]

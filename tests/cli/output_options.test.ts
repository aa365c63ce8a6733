/** The files that options name, read by the command. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { runCli } from "../support/cli.ts";

const input = '{"metric":"vus","type":"Point","data":{"time":"2023-11-22T11:19:49Z","value":3,"tags":{"a":"b"}}}\n';

let folder: string;
let certificates: Certificates;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "k6-remote-write-options-"));
  certificates = makeCertificates();
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
  certificates.remove();
});

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** Listens while `use` runs; keeps what `seen` makes of each request. */
async function withServer<Seen>(
  server: Server,
  { seen, use }: { seen: (request: IncomingMessage) => Seen; use: (port: number) => Promise<void> },
): Promise<Seen[]> {
  const requests: Seen[] = [];
  server.on("request", (request, response) => {
    requests.push(seen(request));
    // What it says to have written makes it one that knows 2.0.
    const headers = { "x-prometheus-remote-write-samples-written": "100" };
    request.resume().on("end", () => response.writeHead(204, headers).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return requests;
}

test("a client certificate is shown, and without it nothing is delivered", async () => {
  const { caFile, clientCertFile, clientKeyFile, server } = certificates;
  const https = createHttpsServer({ ...server, requestCert: true, rejectUnauthorized: true });
  const taken = await withServer(https, {
    seen: ({ url }) => url,
    async use(port): Promise<void> {
      const args = [
        "--url",
        `https://127.0.0.1:${port}/`,
        "--ca-cert-file",
        caFile,
        "--replay",
        "--retry-deadline",
        "0s",
      ];
      const env = {
        K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: clientCertFile,
        K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: clientKeyFile,
        K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION: "1.3",
      };
      const shown = await runCli(args, { input, env });
      assert.equal(shown.code, 0, shown.stderr);
      const hidden = await runCli(args, { input });
      assert.equal(hidden.code, 1, hidden.stderr);
    },
  });
  assert.deepEqual(taken, ["/"]);
});

test("a minimum version that the endpoint does not speak is an error", async () => {
  const { caFile, server } = certificates;
  const https = createHttpsServer({ ...server, maxVersion: "TLSv1.2" });
  const taken = await withServer(https, {
    seen: ({ url }) => url,
    async use(port): Promise<void> {
      const args = [
        "--url",
        `https://127.0.0.1:${port}/`,
        "--ca-cert-file",
        caFile,
        "--replay",
        "--retry-deadline",
        "0s",
      ];
      assert.equal((await runCli([...args, "--tls-min-version", "1.3"], { input })).code, 1);
      assert.equal((await runCli([...args, "--tls-min-version", "1.2"], { input })).code, 0);
    },
  });
  assert.deepEqual(taken, ["/"]);
});

test("options come from a file, with a token and rules from files of their own", async () => {
  const rules = file("rules.json", { write_relabel_configs: [{ action: "labeldrop", regex: "a" }] });
  const token = file("token", "secret-token\n");
  const seen = await withServer(createHttpServer(), {
    seen: ({ headers }) => [headers.authorization, headers["x-scope"]],
    async use(port): Promise<void> {
      const config = file("rw.json", {
        url: `http://127.0.0.1:${port}/`,
        headers: { "X-Scope": "file" },
        bearerTokenFile: token,
        relabelConfigFile: rules,
      });
      const result = await runCli(["--config", config, "--replay"], { input });
      assert.equal(result.code, 0, result.stderr);
    },
  });
  assert.deepEqual(seen, [["Bearer secret-token", "file"]]);
});

test("a token file that is replaced while the command runs is read again for the next request", async () => {
  const token = file("renewed", "first-token\n");
  const seen = await withServer(createHttpServer(), {
    seen: ({ headers }) => {
      writeFileSync(token, "second-token\n");
      return headers.authorization;
    },
    async use(port): Promise<void> {
      const windows = [49, 50, 51].map((second) => input.replace(":49Z", `:${second}Z`)).join("");
      const args = ["--url", `http://127.0.0.1:${port}/`, "--bearer-token-file", token, "--replay"];
      const result = await runCli(args, { input: windows });
      assert.equal(result.code, 0, result.stderr);
    },
  });
  assert.deepEqual([seen[0], ...new Set(seen.slice(1))], ["Bearer first-token", "Bearer second-token"]);
});

test("a CA counts for an https token endpoint, too, where samples go by http", async () => {
  const { caFile, server } = certificates;
  const tokens = createHttpsServer(server, (request, response) => {
    request.resume().on("end", () => response.end(JSON.stringify({ access_token: "secret-token" })));
  });
  await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
  const tokenUrl = `https://127.0.0.1:${(tokens.address() as AddressInfo).port}/`;
  const flags = ["--oauth2-token-url", tokenUrl, "--oauth2-client-id", "a", "--oauth2-client-secret", "hunter2"];
  const seen = await withServer(createHttpServer(), {
    seen: ({ headers }) => headers.authorization,
    async use(port): Promise<void> {
      const args = ["--url", `http://127.0.0.1:${port}/`, ...flags, "--replay", "--retry-deadline", "0"];
      const trusted = await runCli([...args, "--ca-cert-file", caFile], { input });
      assert.equal(trusted.code, 0, trusted.stderr);
      const verified = await runCli([...args, "--no-insecure-skip-tls-verify"], { input });
      assert.equal(verified.code, 1, verified.stderr);
      const skipped = await runCli(args, { input });
      assert.equal(skipped.code, 0, skipped.stderr);
      assert.match(skipped.stderr, /warn: Any certificate is taken/);
    },
  }).finally(() => {
    tokens.closeAllConnections();
    tokens.close();
  });
  assert.deepEqual([...new Set(seen)], ["Bearer secret-token"]);
});

const wrong: readonly [string, () => readonly string[], RegExp][] = [
  ["a missing configuration file", () => ["--config", join(folder, "none")], /configuration file ".*none": ENOENT/],
  [
    "an unknown key",
    () => ["--config", file("key.json", { urll: "x" })],
    /there is no option "urll", expected perhaps "url"/,
  ],
  ["an empty token file", () => ["--bearer-token-file", file("empty", "\n")], /the bearer token is empty/],
  ["a missing token file", () => ["--bearer-token-file", join(folder, "none")], /token file ".*none"/],
  [
    "a rule that cannot be",
    () => ["--relabel-config-file", file("r.json", [{ action: "keeep" }])],
    /action is "keeep"/,
  ],
  ["a certificate without a key", () => ["--client-cert-file", certificates.clientCertFile], /without its key/],
  [
    "a key that is none",
    () => ["--client-cert-file", certificates.clientCertFile, "--client-key-file", file("key", "hunter2")],
    /client key file ".*": it cannot be read/,
  ],
  [
    "two ways to authenticate",
    () => ["--user", "ann", "--password", "hunter2", "--bearer-token", "hunter2"],
    /options contain user and bearerToken/,
  ],
];
for (const [title, args, message] of wrong) {
  test(`${title} is a usage error that shows no secret`, async () => {
    const { code, stderr } = await runCli([...args(), "--replay"], { input: "" });
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /hunter2/);
  });
}

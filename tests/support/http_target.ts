/** A local server whose delays and sizes are known, and which fails in every way a server can. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

/** One request as the server saw it; times are those of `performance.now()`. */
export interface ServedRequest {
  readonly method: string;
  /** The path of the URL with its query. */
  readonly path: string;
  readonly bodyBytes: number;
  readonly receivedAt: number;
  /** When the first byte of the answer was written. */
  answeredAt: number;
  /** When the last one was. */
  endedAt: number;
}

export interface HttpTargetOptions {
  /** How `wait` and `pause` pass. */
  readonly delay?: (ms: number) => Promise<void>;
  /** Serves https with this key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface HttpTarget {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly served: readonly ServedRequest[];
  close(): Promise<void>;
}

/**
 * Starts a server on a free loopback port. What it answers:
 * - `/bytes/N?wait=ms&pause=ms&status=S&gzip=1`: N bytes; waits before the headers, pauses in the middle of the body
 * - `/json`, `/form`, `/redirect` (to `/bytes/3`), `/broken-gzip`
 * - `/hang` nothing; `/stall` a part of the body and nothing more; `/reset` a reset; `/cut` a part and a reset
 */
export async function startHttpTarget(options: HttpTargetOptions = {}): Promise<HttpTarget> {
  const { delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms)), tls } = options;
  const served: ServedRequest[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedAt = performance.now();
    let bodyBytes = 0;
    for await (const chunk of request) bodyBytes += chunk.length;
    const { pathname, searchParams } = new URL(request.url ?? "", "http://target");
    const account: ServedRequest = {
      method: request.method ?? "",
      path: request.url ?? "",
      bodyBytes,
      receivedAt,
      answeredAt: NaN,
      endedAt: NaN,
    };
    served.push(account);
    response.on("error", () => {});

    const [, route, size] = pathname.split("/");
    if (route === "hang") return;
    if (route === "reset") return void request.socket.resetAndDestroy();
    if (route === "redirect") return void response.writeHead(302, { location: "/bytes/3" }).end();
    if (route === "json") {
      return void response.writeHead(200, { "content-type": "application/json" }).end(`\uFEFF{"answer":42}`);
    }
    if (route === "form") {
      return void response.writeHead(200, { "content-type": "application/x-www-form-urlencoded" }).end("a=1&b=2");
    }
    if (route === "broken-gzip") {
      return void response.writeHead(200, { "content-encoding": "gzip" }).end("this is not compressed");
    }
    if (route === "stall" || route === "cut") {
      response.writeHead(200, { "content-length": "1000" }).write("x".repeat(100));
      if (route === "cut") setTimeout(() => request.socket.resetAndDestroy(), 20);
      return;
    }

    const gzip = searchParams.has("gzip");
    const text = Buffer.alloc(Number(size), "x");
    const body = gzip ? gzipSync(text) : text;
    const status = Number(searchParams.get("status") ?? 200);
    await delay(Number(searchParams.get("wait") ?? 0));
    account.answeredAt = performance.now();
    response.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": status === 204 ? 0 : body.length,
      ...(gzip && { "content-encoding": "gzip" }),
    });
    const half = body.length >> 1;
    if (half > 0 && searchParams.has("pause")) {
      response.write(body.subarray(0, half));
      await delay(Number(searchParams.get("pause")));
      account.endedAt = performance.now();
      response.end(body.subarray(half));
    } else {
      account.endedAt = performance.now();
      response.end(body);
    }
  }

  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  server.on("tlsClientError", () => {});
  const port = await listen(server);
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A loopback port on which no program listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

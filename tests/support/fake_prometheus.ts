/**
 * A server with remote write and the query API, like Prometheus, that behaves by script. It also answers whatever a test wants
 * instead, as gateways and wrong servers do.
 */
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TlsOptions } from "node:tls";
import { type Answer, type Behaviour, decodeBody, type ReceivedSample, ScriptedReceiver } from "./scripted_receiver.ts";

/** A request of remote write. */
export interface WriteRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly samples: readonly ReceivedSample[];
  readonly bodyBytes: number;
}

/** What a fake Prometheus accepts, answers and stores. */
export interface FakePrometheusOptions {
  /** How the receiver treats bad samples, and what it reports. */
  readonly behaviour?: Behaviour;
  /** Answers a request instead of the receiver. A promise that never resolves makes the server hang. */
  readonly answer?: (request: WriteRequest) => Answer | undefined | Promise<Answer | undefined>;
  /** The body of each acknowledgement, which has status 200 then. @default none */
  readonly acknowledgement?: string;
  /** The path of the receiver. @default "/api/v1/write" */
  readonly path?: string;
  /** Whether it answers queries of the HTTP API. @default true */
  readonly answersQueries?: boolean;
  /** The longest time over which it answers queries, in milliseconds. @default Infinity */
  readonly maxQueryMs?: number;
  /** Samples that are acknowledged and dropped. */
  readonly drops?: (sample: ReceivedSample) => boolean;
  /** How far its clock is ahead, in milliseconds. @default 0 */
  readonly aheadMs?: number;
  readonly tls?: TlsOptions;
}

/** A fake Prometheus that listens on the loopback interface. */
export interface FakePrometheus {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly WriteRequest[];
  readonly receiver: ScriptedReceiver;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export async function startFakePrometheus(options: FakePrometheusOptions = {}): Promise<FakePrometheus> {
  const {
    behaviour,
    answer,
    acknowledgement,
    path = "/api/v1/write",
    answersQueries = true,
    maxQueryMs = Infinity,
    drops = () => false,
    aheadMs = 0,
    tls,
  } = options;
  const clock = { now: Date.now, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  const receiver = new ScriptedReceiver({ clock, ...behaviour });
  const requests: WriteRequest[] = [];
  const serve = async (request: IncomingMessage): Promise<Answer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = new Uint8Array(Buffer.concat(chunks));
    const { pathname } = new URL(request.url ?? "", "http://server");
    if (answersQueries && /^\/api\/v1\/query/.test(pathname)) return query(pathname, body, { receiver, maxQueryMs });
    const version = request.headers["x-prometheus-remote-write-version"] === "2.0.0" ? "2.0" : "1.0";
    const isSnappy = request.headers["content-encoding"] === "snappy";
    const { samples } = isSnappy && pathname === path ? decodeBody(body, version) : { samples: [] };
    const write = { path: pathname, headers: request.headers, samples, bodyBytes: body.length };
    requests.push(write);
    const own = await answer?.(write);
    if (own !== undefined) return own;
    if (pathname !== path) return { status: 404, body: "404 page not found" };
    const kept = samples.filter((sample) => !drops(sample));
    const taken = receiver.take({ version, samples: kept, bodyBytes: body.length });
    return acknowledgement === undefined || taken.status >= 300
      ? taken
      : { ...taken, status: 200, body: acknowledgement };
  };
  const handle = (request: IncomingMessage, response: import("node:http").ServerResponse): void => {
    void serve(request).then(({ status, headers = {}, body = "" }) => {
      const date = new Date(Date.now() + aheadMs).toUTCString();
      response.writeHead(status, { date, ...headers });
      response.end(status === 204 ? undefined : body);
    });
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}${path}`,
    port,
    requests,
    receiver,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers an instant query with a range selector of a name and a run. */
function query(
  path: string,
  body: Uint8Array,
  { receiver, maxQueryMs }: { readonly receiver: ScriptedReceiver; readonly maxQueryMs: number },
): Answer {
  const text = new URLSearchParams(new TextDecoder().decode(body)).get("query") ?? "";
  const seconds = Number(/\[(\d+)s\]$/.exec(text)?.[1] ?? 0);
  if (seconds * 1000 > maxQueryMs) {
    const error = { status: "error", error: "the query time range exceeds the limit" };
    return { status: 422, headers: { "content-type": "application/json" }, body: JSON.stringify(error) };
  }
  const [, name, run] = /__name__="([^"]*)",run="([^"]*)"/.exec(text) ?? [];
  const result = path !== "/api/v1/query" ? [] : [...receiver.stored.values()].flatMap((samples) => {
    const metric = Object.fromEntries(samples[0]?.labels.map(({ name, value }) => [name, value]) ?? []);
    if (metric.__name__ !== name || metric.run !== run) return [];
    return [{ metric, values: samples.map(({ time, value }) => [time / 1000, String(value)]) }];
  });
  const data = path === "/api/v1/query" ? { resultType: "matrix", result } : result;
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ status: "success", data }),
  };
}

/**
 * A remote-write receiver over real sockets that fails by script. It speaks just enough HTTP, so that it can break it anywhere.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import { decodeRequest } from "./decode_requests.ts";
import type { FakePrometheus } from "./fake_prometheus.ts";

/** What the server does with one request. */
export type SocketFault =
  | { readonly kind: "pass" }
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }
  /** Resets the connection when the request begins, or when it is read, or when it is stored. */
  | { readonly kind: "reset"; readonly when: "before" | "read" | "stored" }
  /** Says nothing any more; `onHang` is called. */
  | { readonly kind: "hang"; readonly stored?: boolean }
  /** Begins an answer and says nothing any more. */
  | { readonly kind: "stall"; readonly status: number }
  /** Stores, and answers one byte at a time, each in a packet of its own. */
  | { readonly kind: "drip"; readonly status?: number }
  /** Breaks off in the head of the answer, or in its body. */
  | { readonly kind: "truncate"; readonly status: number; readonly where: "head" | "body" }
  /** Answers, and closes the connection although it said that it stays open. */
  | { readonly kind: "close idle" };

/** A request as it came. */
export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** What kind of server it is. */
export interface FaultServerOptions {
  readonly receiver: FakePrometheus;
  readonly faults?: readonly SocketFault[];
  /** Larger bodies are answered 413. @default Infinity */
  readonly maxBodyBytes?: number;
  /** The server hangs; whoever waits for it should give up. */
  readonly onHang?: () => void;
  /** Does things before or after a request is served, or in its stead. @default serves it */
  readonly around?: (serve: () => void) => void;
}

/** The server. */
export interface FaultServer {
  readonly url: string;
  readonly requests: readonly ServedRequest[];
  /** How many connections were made. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback interface. */
export async function startFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  const { receiver, maxBodyBytes = Infinity, onHang = () => {}, around = (serve) => serve() } = options;
  const script = [...options.faults ?? []];
  const requests: ServedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const [fault] = script;
      if (fault?.kind === "reset" && fault.when === "before") {
        script.shift();
        socket.resetAndDestroy();
        return;
      }
      received = Buffer.concat([received, chunk]);
      for (let parsed = parse(received); parsed !== undefined; parsed = parse(received)) {
        received = received.subarray(parsed.length);
        const { request } = parsed;
        requests.push(request);
        around(() => serve(socket, request));
      }
    });
  });

  const serve = (socket: Socket, request: ServedRequest): void => {
    if (request.method !== "POST") return void socket.write(respond(200, {}, "the login page"));
    if (request.body.length > maxBodyBytes) return void socket.write(respond(413, {}, "too large"));
    const fault = script.shift() ?? { kind: "pass" };
    switch (fault.kind) {
      case "pass":
        return void socket.write(store(request));
      case "answer":
        return void socket.write(respond(fault.status, fault.headers, fault.body));
      case "reset":
        if (fault.when === "stored") store(request);
        return void socket.resetAndDestroy();
      case "hang":
        if (fault.stored === true) store(request);
        return onHang();
      case "stall":
        return void socket.write(`HTTP/1.1 ${fault.status} X\r\nContent-Length: 1000\r\n\r\nfirst words`);
      case "drip":
        return drip(socket, fault.status === undefined ? store(request) : respond(fault.status, {}, "busy"));
      case "truncate":
        socket.end(
          fault.where === "head"
            ? "HTTP/1.1 "
            : `HTTP/1.1 ${fault.status} X\r\nContent-Length: 1000\r\n\r\nfirst words`,
        );
        return;
      case "close idle":
        return void socket.end(store(request));
    }
  };

  const store = ({ headers, body }: ServedRequest): string => {
    const version = headers.get("x-prometheus-remote-write-version") === "2.0.0" ? "2.0" : "1.0";
    const answer = receiver.write(decodeRequest(body, version), version);
    return respond(answer.status, answer.headers, answer.body);
  };

  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    requests,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function drip(socket: Socket, answer: string): void {
  socket.setNoDelay(true);
  const next = (at: number): void => {
    if (at < answer.length && !socket.destroyed) socket.write(answer[at] ?? "", () => setImmediate(next, at + 1));
  };
  next(0);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("Cannot listen: there is no port"));
    });
  });
}

function respond(status: number, headers: Readonly<Record<string, string>> = {}, body = ""): string {
  const length = status === 204 ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n${body}`;
}

/** The first whole request; undefined if there is none yet. */
function parse(received: Buffer): { request: ServedRequest; length: number } | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const length = end + 4 + Number(headers.get("content-length") ?? 0);
  if (received.length < length) return undefined;
  const [method = "", path = ""] = first.split(" ");
  return { request: { method, path, headers, body: new Uint8Array(received.subarray(end + 4, length)) }, length };
}

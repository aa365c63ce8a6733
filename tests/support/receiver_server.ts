/**
 * A remote-write receiver on a real socket. It speaks just enough HTTP/1.1, so that a test can break it anywhere.
 */
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { ReceivedWrite } from "../../src/receive/mod.ts";
import {
  type Answer,
  type Behaviour,
  type Fault,
  onlyV1,
  type ReceivedRequest,
  ScriptedReceiver,
} from "./scripted_receiver.ts";
import { strictReceiver, type StrictReceiverOptions } from "./strict_receiver.ts";

/** What the server does with one request. `refuse` resets the connection before the request is read. */
export type SocketFault =
  | Extract<Fault, { readonly kind: "pass" | "answer" | "refuse" | "reset" | "hang" }>
  /** The answer comes byte by byte, each in its own packet. With a status, the request is not stored. */
  | { readonly kind: "drip"; readonly status?: number }
  /** The connection ends within the head or the body of the answer. */
  | { readonly kind: "cut"; readonly status: number; readonly where: "head" | "body" }
  /** The connection ends after the answer, without a "Connection: close". */
  | { readonly kind: "close idle" };

/** A request as it arrived. The names of the headers are in lower case. */
export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A float sample of a request that was answered 2xx. */
export interface ArrivedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
}

/** The receiver, and what the server does before it. */
export interface ReceiverServerOptions extends StrictReceiverOptions {
  /** The behaviour of a scripted receiver that takes the requests. @default a strict receiver with the other options */
  readonly script?: Behaviour;
  /** The certificate of an https server. @default the server speaks http */
  readonly tls?: TlsOptions;
  /** What happens to the first requests, one for each. Later requests pass. */
  readonly faults?: readonly SocketFault[];
  /** Called when the server hangs. */
  readonly onHang?: () => void;
  /** Called instead of `serve` for each request, so that a test can act before or after it. */
  readonly around?: (serve: () => Promise<void>) => void | Promise<void>;
}

/** A receiver that listens on the loopback interface. */
export interface ReceiverServer {
  /** The address for remote write. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ServedRequest[];
  readonly samples: readonly ArrivedSample[];
  /** What a strict receiver accepted. */
  readonly writes: readonly ReceivedWrite[];
  /** The scripted receiver. It only records the requests if a strict receiver takes them. */
  readonly receiver: ScriptedReceiver;
  /** Returns the number of connections that were opened. */
  connections(): number;
  /** Resolves when this number of samples has arrived; rejects after a minute. */
  arrived(samples: number): Promise<void>;
  close(): Promise<void>;
}

const clock = { now: Date.now, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };

/** Starts a server on a free port of the loopback interface. */
export async function startReceiver(options: ReceiverServerOptions = {}): Promise<ReceiverServer> {
  const { script, tls, faults = [], onHang = () => {}, around = (serve) => serve(), ...strictOptions } = options;
  const left = [...faults];
  const requests: ServedRequest[] = [];
  const samples: ArrivedSample[] = [];
  const waiting = new Set<() => void>();
  const sockets = new Set<Socket>();
  let connections = 0;

  const strict = strictReceiver(strictOptions);
  const onRequest = ({ status = 0, samples: received }: ReceivedRequest): void => {
    if (status < 200 || status > 299) return;
    for (const { labels: list, value, time, histogram } of received) {
      if (histogram !== undefined) continue;
      const labels = Object.fromEntries(list.map(({ name, value }) => [name, value]));
      samples.push({ name: labels["__name__"] ?? "", labels, value, timestamp: time });
    }
    for (const check of waiting) check();
  };
  const receiver = new ScriptedReceiver({ clock, onRequest, ...(script ?? { behind: strict.fetch }) });

  /** Passes a request to the receiver, and returns its answer as bytes of HTTP. */
  const take = async ({ method, path, headers, body }: ServedRequest): Promise<string> => {
    const url = `http://127.0.0.1${path}`;
    const init = { method, headers: [...headers].map(([name, value]): [string, string] => [name, value]) };
    const response = method === "POST"
      ? await receiver.fetch(url, { ...init, body })
      : script === undefined
      ? await strict.fetch(url, init)
      : new Response("the login page");
    return encode({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    });
  };
  const serve = async (socket: Socket, request: ServedRequest): Promise<void> => {
    const fault = left.shift() ?? { kind: "pass" };
    const answer =
      fault.kind === "pass" || fault.kind === "close idle" || ("stored" in fault && fault.stored === true) ||
        (fault.kind === "drip" && fault.status === undefined)
        ? await take(request)
        : "";
    switch (fault.kind) {
      case "pass":
        return void socket.write(answer);
      case "answer":
        return void socket.write(fault.hangs === true ? incomplete(fault) : encode(fault));
      case "refuse":
      case "reset":
        return void socket.resetAndDestroy();
      case "hang":
        return onHang();
      case "drip":
        return drip(socket, fault.status === undefined ? answer : encode({ status: fault.status, body: "busy" }));
      case "cut":
        return void socket.end(fault.where === "head" ? "HTTP/1.1 " : incomplete({ ...fault, body: "first words" }));
      case "close idle":
        return void socket.end(answer);
    }
  };
  const onSocket = (socket: Socket): void => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      if (left[0]?.kind === "refuse") {
        left.shift();
        return void socket.resetAndDestroy();
      }
      received = Buffer.concat([received, chunk]);
      // This is not HTTP, but a TLS client.
      if (received[0] === 0x16) return void socket.end(encode({ status: 400 }));
      for (let parsed = parse(received); parsed !== undefined; parsed = parse(received)) {
        received = received.subarray(parsed.length);
        const { request } = parsed;
        requests.push(request);
        void around(() => serve(socket, request));
      }
    });
  };

  const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/api/v1/write`,
    port,
    requests,
    samples,
    get writes() {
      return strict.writes;
    },
    receiver,
    connections: () => connections,
    arrived: (count) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`${samples.length} samples arrived within a minute, expected ${count}`));
        }, 60_000);
        function check(): void {
          if (samples.length < count) return;
          waiting.delete(check);
          clearTimeout(timer);
          resolve();
        }
        waiting.add(check);
        check();
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls a function with a server, and closes the server afterwards. By default, the receiver behaves as `onlyV1`. */
export async function withReceiver(
  use: (server: ReceiverServer) => Promise<void>,
  options?: ReceiverServerOptions,
): Promise<void> {
  const server = await startReceiver({ script: onlyV1, ...options });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

/** Returns the last value of each series, by its name and labels: `up{job="a"}`. */
export function lastValues(writes: readonly ReceivedWrite[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const { labels, samples = [] } of writes.flatMap(({ timeSeries }) => timeSeries)) {
    const name = labels.find((label) => label.name === "__name__")?.value;
    const others = labels.filter((label) => label.name !== "__name__").map((label) => `${label.name}="${label.value}"`);
    for (const { value } of samples) values.set(`${name}{${others.join(",")}}`, value);
  }
  return values;
}

function drip(socket: Socket, answer: string): void {
  socket.setNoDelay(true);
  const next = (at: number): void => {
    if (at < answer.length && !socket.destroyed) socket.write(answer[at] ?? "", () => setImmediate(next, at + 1));
  };
  next(0);
}

/** Returns an answer as it is written to the socket. `length` is the length that its head promises. */
function encode({ status, headers = {}, body = "" }: Answer, length: number = Buffer.byteLength(body)): string {
  const all = { ...headers, ...(status !== 204 && { "Content-Length": String(length) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n${body}`;
}

/** Returns the beginning of an answer. */
const incomplete = (answer: Answer): string => encode(answer, 1000);

/** Returns the first request that is complete. */
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

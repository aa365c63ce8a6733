/** The receiver behind a real HTTP server; strict, so that every violation is answered 400. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createReceiver, type ReceivedWrite, type ReceiverOptions, strictRules } from "../../src/receive/mod.ts";

export interface ReceiverServer {
  /** Where to write. */
  readonly url: string;
  readonly port: number;
  readonly writes: readonly ReceivedWrite[];
  /** Resolves when so many samples have arrived; rejects when they do not within a minute. */
  arrived(samples: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback interface. */
export async function startReceiver(options: Partial<ReceiverOptions> = {}): Promise<ReceiverServer> {
  const writes: ReceivedWrite[] = [];
  const waiting = new Set<() => void>();
  const onWrite = (write: ReceivedWrite): void => {
    writes.push(write);
    for (const check of waiting) check();
  };
  const receive = createReceiver({ strict: strictRules(), onWrite, ...options });
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
    const { method = "" } = incoming;
    const body = method === "POST" ? new Blob(chunks) : undefined;
    const request = new Request(new URL(incoming.url ?? "/", "http://127.0.0.1"), { method, headers, body });
    const response = await receive(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    port,
    writes,
    arrived: (samples) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`${countSamples(writes)} samples arrived within a minute, expected ${samples}`));
        }, 60_000);
        function check(): void {
          if (countSamples(writes) < samples) return;
          waiting.delete(check);
          clearTimeout(timer);
          resolve();
        }
        waiting.add(check);
        check();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** How many floats. */
export function countSamples(writes: readonly ReceivedWrite[]): number {
  return writes.flatMap(({ timeSeries }) => timeSeries).reduce((sum, { samples = [] }) => sum + samples.length, 0);
}

/** The last value of each series, under its name and labels as in `name{label="value"}`. */
export function lastValues(writes: readonly ReceivedWrite[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const { labels, samples = [] } of writes.flatMap(({ timeSeries }) => timeSeries)) {
    const name = labels.find((label) => label.name === "__name__")?.value;
    const others = labels.filter((label) => label.name !== "__name__").map((label) => `${label.name}="${label.value}"`);
    for (const { value } of samples) values.set(`${name}{${others.join(",")}}`, value);
  }
  return values;
}

/**
 * A real server that takes remote write 1.0 and keeps what arrives.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { fromBinary } from "@bufbuild/protobuf";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { decompress } from "../../src/protocol/snappy.ts";

/** A sample that arrived. */
export interface AcceptedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestamp: number;
}

/** The server. */
export interface Accepted {
  readonly url: string;
  readonly samples: readonly AcceptedSample[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** Resolves when so many samples arrived. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** How it answers. */
export interface AcceptOptions {
  /** With another status than 204 it keeps nothing. */
  readonly status?: number;
  readonly reason?: string;
  /** For https. */
  readonly tls?: ServerOptions;
}

/** Starts one on a free port. */
export async function acceptSamples({ status = 204, reason, tls }: AcceptOptions = {}): Promise<Accepted> {
  const samples: AcceptedSample[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let onArrival = (): void => {};
  const listener: RequestListener = async (request, response) => {
    const body = await bytesOf(request).catch(() => undefined);
    if (body === undefined) return;
    headers.push(request.headers);
    // It knows 1.0 only.
    if (request.headers["x-prometheus-remote-write-version"] === "2.0.0") return void response.writeHead(415).end();
    if (status === 204) {
      for (const series of fromBinary(WriteRequestSchema, decompress(body, { maxDecodedBytes: 1e8 })).timeseries) {
        const labels = Object.fromEntries(series.labels.map(({ name, value }) => [name, value]));
        for (const { value, timestamp } of series.samples) {
          samples.push({ name: labels.__name__ ?? "", labels, value, timestamp: Number(timestamp) });
        }
      }
    }
    response.writeHead(status).end(reason);
    onArrival();
  };
  const server = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/api/v1/write`,
    samples,
    headers,
    arrived: (count) =>
      new Promise((resolve) => {
        onArrival = () => {
          if (samples.length >= count) resolve();
        };
        onArrival();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Calls a function with a receiver on a free port, and closes the receiver afterwards. */
export async function withReceiver(use: (receiver: Accepted) => Promise<void>, options?: AcceptOptions): Promise<void> {
  const receiver = await acceptSamples(options);
  try {
    await use(receiver);
  } finally {
    await receiver.close();
  }
}

/**
 * What the instrumented fetch costs, beside the plain one in the same run.
 *
 * @module
 */
import { createServer } from "node:http";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { instrumentFetch } from "../../src/k6/measure/instrumented_fetch.ts";
import type { Row } from "./rows.ts";

const rounds = 60;
const requestsPerRound = 50;
const warmUpRounds = 10;

/** Milliseconds of a round of requests, one after the other, each with its body. */
async function round(fetch: typeof globalThis.fetch, url: string): Promise<number> {
  const startedAt = performance.now();
  for (let request = 0; request < requestsPerRound; request++) await (await fetch(url)).text();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Medians of both, in microseconds a request; rounds alternate, so that whatever else goes on disturbs both alike. */
async function compare(plain: typeof globalThis.fetch, url: string): Promise<{ plain: number; instrumented: number }> {
  const output = new RemoteWriteOutput({ fetch: plain });
  const instrumented = instrumentFetch(output, { fetch: plain, tags: { scenario: "bench" }, name: "bench" });
  const times: [number, number][] = [];
  for (let index = -warmUpRounds; index < rounds; index++) {
    const pair: [number, number] = [await round(plain, url), await round(instrumented, url)];
    if (index >= 0) times.push(pair);
  }
  const us = (ms: number): number => (1000 * ms) / requestsPerRound;
  return { plain: us(median(times.map(([ms]) => ms))), instrumented: us(median(times.map(([, ms]) => ms))) };
}

/** The rows: the ratio on real requests over loopback, and what is added where a request itself costs next to nothing. */
export async function instrumentedFetchRows(): Promise<Row[]> {
  const body = "x".repeat(1000);
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  try {
    const real = await compare(globalThis.fetch, `http://127.0.0.1:${port}/`);
    const bare = await compare(() => Promise.resolve(new Response(body)), "http://127.0.0.1/");
    return [
      {
        name: "instrumented fetch: a request over loopback, to a plain one",
        unit: "ratio",
        value: real.instrumented / real.plain,
      },
      { name: "plain fetch: a request over loopback", unit: "us/request", value: real.plain },
      {
        name: "instrumented fetch: what it adds to a request",
        unit: "us/request",
        value: bare.instrumented - bare.plain,
      },
    ];
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

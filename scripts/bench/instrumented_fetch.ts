/**
 * Measures what the instrumented fetch costs, compared with the plain one in the same run.
 *
 * @module
 */
import { createServer } from "node:http";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { instrumentFetch } from "../../src/k6/measure/instrumented_fetch.ts";

const rounds = 60;
const requestsPerRound = 50;
const warmUpRounds = 10;

/** Returns the milliseconds that a round of requests takes: one after the other, each with its body. */
async function round(fetch: typeof globalThis.fetch, url: string): Promise<number> {
  const startedAt = performance.now();
  for (let request = 0; request < requestsPerRound; request++) await (await fetch(url)).text();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** The median time of a request, in microseconds. */
export interface FetchTimes {
  readonly plain: number;
  readonly instrumented: number;
}

/** Measures both. The rounds alternate, so that other programs on the machine disturb both in the same way. */
async function compare(plain: typeof globalThis.fetch, url: string): Promise<FetchTimes> {
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

/**
 * Measures the instrumented fetch next to the plain one: with requests over loopback, and with a fetch that answers at once,
 * which shows what the instrumentation itself costs.
 */
export async function compareFetch(): Promise<{ readonly loopback: FetchTimes; readonly bare: FetchTimes }> {
  const body = "x".repeat(1000);
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  try {
    return {
      loopback: await compare(globalThis.fetch, `http://127.0.0.1:${port}/`),
      bare: await compare(() => Promise.resolve(new Response(body)), "http://127.0.0.1/"),
    };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

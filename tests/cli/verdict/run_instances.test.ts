/** Answers of a query server that are wrong, or very large. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QueryClient, QueryError } from "../../../src/cli/verdict/query_client.ts";
import { extentOf, findEnds, findInstances, findLatestRun } from "../../../src/cli/verdict/run_instances.ts";
import { classicOf } from "../../../src/cli/verdict/run_reader.ts";
import { mixedMetrics, storedMetrics } from "../../../src/cli/verdict/stored_metrics.ts";

const run = { matchers: { testid: "a" }, instanceLabel: "instance", prefix: "k6_" };

/** Returns a client of a server that answers in this way. */
function clientOf(answer: (path: string, query: string, form: URLSearchParams) => readonly unknown[]): QueryClient {
  return new QueryClient({
    url: new URL("http://query.test/api/v1"),
    headers: {},
    timeoutMs: 1000,
    // The timeout of an attempt never comes.
    sleep: (_, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
    now: () => 0,
    fetch: async (url, init) => {
      const form = new URLSearchParams(await new Response(init?.body).text());
      return Response.json({ status: "success", data: { result: answer(String(url), form.get("query") ?? "", form) } });
    },
  });
}

test("a server that answers with samples outside the time that was asked for is an error, and is not asked without end", async () => {
  let asked = 0;
  const client = clientOf((path, query) => {
    if (++asked > 100) throw new Error("The server is asked without end.");
    return path.endsWith("range")
      ? [{ metric: { instance: "a" }, values: [[0, "1"], [40_000, "1"]] }]
      : [{ metric: { instance: "a" }, value: [0, query.includes("tfirst") ? "0" : "40000"] }];
  });
  await assert.rejects(findLatestRun(client, run, { startMs: 0, endMs: 40_000_000 }), (error) => {
    assert.ok(error instanceof QueryError && error.isPermanent);
    assert.match(error.message, /query\.test.* answers a query about a time with samples of an earlier time/);
    return true;
  });
});

test("very many instances and series are no problem for the stack, and take a time that is proportional to their number", async () => {
  const many = 150_000;
  const instances = Array.from({ length: many }, (_, index) => ({ name: `i${index}`, startMs: index, endMs: many }));
  assert.deepEqual(extentOf(instances), { startMs: 0, endMs: many });
  const some = instances.slice(0, 20_000);
  const ends = await findEnds(clientOf(() => []), run, { instances: some, nowMs: many });
  assert.ok(ends.every(({ ended }) => ended));
  const buckets = Array.from({ length: many }, (_, index) => ({ labels: { le: String(index) }, value: index }));
  assert.equal(classicOf(buckets, 1)?.count, many - 1);
  const names = some.map((_, index) => `k6_t_p${index}`);
  const metrics = storedMetrics(names, { prefix: "k6_", known: {}, native: new Set() });
  assert.equal(metrics.length, 1);
  const gauge = { type: "gauge", contains: "default", series: "k6_x" } as const;
  const gauges = some.map(({ name }) => ({ ...gauge, name }));
  assert.deepEqual(mixedMetrics([...gauges, { ...gauge, name: "i7" }]), ["i7"]);
});

/** Returns a client of Prometheus, which has samples of these times. Up to version 2, a range contains both of its bounds. */
function prometheusOf(samplesMs: readonly number[], { isClosed }: { readonly isClosed: boolean }): QueryClient {
  return clientOf((path, query, form) => {
    if (!path.endsWith("range")) throw new QueryError("unknown function", { isPermanent: true, status: 400 });
    const msOf = (name: string): number => Math.round(Number(form.get(name)) * 1000);
    const rangeMs = Number(/\[(\d+)ms\]/.exec(query)?.[1]);
    const values: [number, string][] = [];
    for (let ms = msOf("start"); ms <= msOf("end"); ms += msOf("step")) {
      const has = samplesMs.some((each) => each <= ms && (isClosed ? each >= ms - rangeMs : each > ms - rangeMs));
      if (has) values.push([ms / 1000, "1"]);
    }
    return values.length === 0 ? [] : [{ metric: { instance: "a" }, values }];
  });
}

for (const isClosed of [false, true]) {
  test(`the first and the last sample of a run have the same times in each verdict (ranges ${isClosed ? "with" : "without"} their start)`, async () => {
    const [firstMs, lastMs] = [1_700_000_000_123, 1_700_000_007_456];
    const client = prometheusOf([firstMs, 1_700_000_005_000, lastMs], { isClosed });
    for (let shiftMs = 0; shiftMs < 5000; shiftMs += 713) {
      const within = { startMs: 1_699_999_000_000 + shiftMs, endMs: 1_700_000_100_000 + shiftMs };
      const [instance] = await findInstances(client, run, within);
      // The end of a range that contains its start is a millisecond later.
      assert.deepEqual(instance, { name: "a", startMs: firstMs, endMs: lastMs + (isClosed ? 1 : 0) });
    }
  });
}

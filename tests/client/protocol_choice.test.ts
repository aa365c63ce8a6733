import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Metadata, type Metric, readK6Json, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../mod.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { quickFault } from "../support/arbitrary_faults.ts";
import { type StrictReceiver, strictReceiver } from "../support/strict_receiver.ts";
import { recordedJson } from "../support/recorded_run.ts";
import { ScriptedReceiver, type V2Support } from "../support/scripted_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { slowRuns } from "../support/runs.ts";

type Protocol = "auto" | "1.0" | "2.0";
type Run = "basic" | "native";

/** Recorded runs with the options for sending them. */
const runs: readonly (readonly [Run, RemoteWriteOutputOptions])[] = [
  ["basic", {}],
  ["native", { trendAs: "native" }],
  ["basic", { trendAs: "histogram", staleMarkers: true }],
  ["native", { mapping: "raw" }],
];

/** Sends a recorded run, and returns the receiver that got all of it. */
async function replay(run: Run, options: RemoteWriteOutputOptions): Promise<StrictReceiver> {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ windows: "event", fetch: receiver.fetch, ...options });
  for await (const samples of readK6Json(new Blob([recordedJson(run)]).stream())) output.add(samples);
  const { samples, delivered } = await output.close();
  assert.equal(delivered, samples);
  return receiver;
}

/** Returns the floats and the histograms of each series, without start timestamps. */
function valuesOf({ writes }: StrictReceiver): Map<string, unknown[]> {
  const values = new Map<string, unknown[]>();
  for (const { labels, samples = [], histograms = [] } of writes.flatMap(({ timeSeries }) => timeSeries)) {
    const key = formatSeries(labels);
    const list = values.get(key) ?? [];
    values.set(key, list);
    for (const { value, timestamp, stale } of samples) list.push([stale === true ? "stale" : value, timestamp]);
    for (const { startTimestamp: _, ...histogram } of histograms) {
      list.push(histogram.stale === true ? ["stale", histogram.timestamp] : histogram);
    }
  }
  return values;
}

function versionsOf({ writes }: StrictReceiver): string[] {
  return [...new Set(writes.map(({ version }) => version))];
}

for (const [run, options] of runs) {
  test(`both versions and auto send the same values of the run ${run} with ${JSON.stringify(options)} (on one runtime)`, async () => {
    const [first, second, auto] = [
      await replay(run, { ...options, protocol: "1.0" }),
      await replay(run, { ...options, protocol: "2.0" }),
      await replay(run, options),
    ];
    assert.deepEqual([first, second, auto].map(versionsOf), [["1.0"], ["2.0"], ["2.0"]]);
    const values = valuesOf(first);
    assert.ok(values.size > 30, `${values.size} series`);
    assert.deepEqual(valuesOf(second), values);
    assert.deepEqual(valuesOf(auto), values);
  });
}

test("in 2.0, the start timestamp of counters and histograms is 1 ms before their first sample", async () => {
  const { writes } = await replay("basic", { trendAs: "histogram", staleMarkers: true });
  // The order of the file is not the order of time.
  const first = new Map<string, number>();
  for (const line of new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n")) {
    const { type, metric, data } = JSON.parse(line);
    if (type === "Point" && !first.has(metric)) first.set(metric, Date.parse(data.time));
  }
  const starts = new Map<string, number>();
  let gauges = 0;
  for (const { labels, samples = [], metadata } of writes.flatMap(({ timeSeries }) => timeSeries)) {
    const cumulative = metadata?.type === "counter" || metadata?.type === "histogram";
    for (const { startTimestamp, timestamp, stale } of samples) {
      if (!cumulative || stale === true) {
        assert.equal(startTimestamp, undefined);
        gauges++;
        continue;
      }
      assert.ok(startTimestamp !== undefined && startTimestamp < timestamp);
      const key = formatSeries(labels);
      // The start timestamp of a series does not change.
      assert.equal(starts.get(key) ?? startTimestamp, startTimestamp, key);
      starts.set(key, Number(startTimestamp));
    }
  }
  assert.ok(gauges > 10);
  assert.equal(starts.get('k6_iterations_total{scenario="buy",testid="basic"}') !== undefined, true);
  const totals = [...starts].filter(([key]) => key.startsWith("k6_http_reqs_total"));
  assert.equal(Math.min(...totals.map(([, start]) => start)), (first.get("http_reqs") ?? NaN) - 1);
});

test("metadata of k6's and the script's metrics is sent with each series in 2.0, and in separate requests in 1.0", async () => {
  const second = await replay("basic", {});
  const inSecond = new Map<string, Metadata>();
  for (const { labels, metadata } of second.writes.flatMap(({ timeSeries }) => timeSeries)) {
    assert.ok(metadata !== undefined);
    inSecond.set(labels.find(({ name }) => name === "__name__")?.value ?? "", metadata);
  }
  const helpOf = (name: string): string | undefined => inSecond.get(name)?.help;
  assert.equal(helpOf("k6_http_reqs_total"), "HTTP requests made.");
  assert.equal(helpOf("k6_http_req_duration_p95"), "Duration of HTTP requests: sending, waiting and receiving.");
  const { help: _, ...duration } = inSecond.get("k6_http_req_duration_p95") ?? {};
  assert.deepEqual(duration, { type: "gauge", unit: "seconds" });
  // The script's metrics, which its Metric lines declare.
  assert.deepEqual(inSecond.get("k6_orders_placed_total"), { type: "counter" });
  assert.deepEqual(inSecond.get("k6_waiting_time_max"), { type: "gauge", unit: "seconds" });

  const first = await replay("basic", { protocol: "1.0" });
  const alone = first.writes.filter(({ metadata }) => metadata.size > 0);
  assert.ok(alone.every(({ timeSeries }) => timeSeries.length === 0));
  assert.deepEqual(
    new Map(alone.flatMap(({ metadata }) => [...metadata]).sort()),
    new Map([...inSecond].sort()),
  );
});

test("1.0 metadata of a classic histogram is one entry", async () => {
  const { writes } = await replay("basic", { protocol: "1.0", trendAs: "histogram" });
  const families = writes.flatMap(({ metadata }) => [...metadata]);
  const types = families.filter(([name]) => name.startsWith("k6_http_req_duration")).map(([name, { type }]) => [
    name,
    type,
  ]);
  assert.deepEqual(types, [["k6_http_req_duration_seconds", "histogram"]]);
});

test("auto sends one request in 2.0, then the whole run in 1.0, to receivers that know only 1.0", async () => {
  const expected = valuesOf(await replay("basic", { protocol: "1.0" }));
  for (const v2 of [415, 400, 204] as const) {
    const receiver = strictReceiver(v2 === 415 ? { acceptVersions: ["1.0"] } : {});
    const { fetch, requests } = new ScriptedReceiver({ clock: new VirtualClock(), v2, behind: receiver.fetch });
    const warnings: string[] = [];
    const output = new RemoteWriteOutput({
      windows: "event",
      fetch,
      shards: 1,
      onWarning: (text) => warnings.push(text),
    });
    for await (const samples of readK6Json(new Blob([recordedJson("basic")]).stream())) output.add(samples);
    const { samples, delivered, rejected } = await output.close();
    assert.deepEqual([delivered, rejected], [samples, 0], String(v2));
    assert.deepEqual(requests.map(({ version }) => version).lastIndexOf("2.0"), 0, String(v2));
    assert.deepEqual(valuesOf(receiver), expected, String(v2));
    assert.equal(warnings.filter((text) => text.includes("the sender uses 1.0 from now on")).length, 1, String(v2));
  }
});

test("samples that a receiver reports as not stored are counted, reported and warned about", async () => {
  const receiver = strictReceiver();
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({
    onWarning: (text) => warnings.push(text),
    fetch: async (input, init) => {
      const response = await receiver.fetch(input, init);
      const name = "X-Prometheus-Remote-Write-Samples-Written";
      const headers = new Headers(response.headers);
      headers.set(name, String(Number(headers.get(name)) - 2));
      return new Response(null, { status: response.status, headers });
    },
  });
  output.add(["a", "b", "c"].map((tag) => ({ metric: counter, time: 1000, value: 1, tags: { tag } })));
  const { samples, delivered, rejected, reasons } = await output.close();
  assert.deepEqual([samples, delivered, rejected], [3, 1, 2]);
  assert.deepEqual(reasons.map(({ outcome, samples }) => [outcome, samples]), [["rejected", 2]]);
  assert.match(reasons[0]?.reason ?? "", /stored less than it was sent/);
  assert.equal(output.stats.samplesFailedTotal, 2);
  assert.match(warnings.join(), /Not delivered: 2 samples/);
});

const counter: Metric = { name: "c", type: "counter", contains: "default" };
const trend: Metric = { name: "t", type: "trend", contains: "time" };

test("all samples arrive in order, whatever versions a receiver knows and however it fails", async () => {
  const scenario = fc.record({
    v2: fc.constantFrom<V2Support[]>("known", 415, 400, 204, 500),
    protocol: fc.constantFrom<Protocol[]>("auto", "auto", "1.0"),
    trendAs: fc.constantFrom("stats", "native", "histogram" as const),
    faults: fc.array(quickFault, { maxLength: 15 }),
    windows: fc.array(
      fc.array(fc.record({ tag: fc.constantFrom("a", "b", "c"), value: fc.integer({ min: 1, max: 1000 }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      { minLength: 1, maxLength: 5 },
    ),
    shards: fc.integer({ min: 1, max: 3 }),
    maxSamplesPerSend: fc.constantFrom(1, 3, 2000),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ v2, faults, windows, ...options }) => {
      const clock = new VirtualClock();
      const receiver = strictReceiver();
      const { fetch } = new ScriptedReceiver({ clock, v2, faults, behind: receiver.fetch });
      const output = new RemoteWriteOutput({
        ...options,
        fetch,
        now: clock.now,
        monotonicNow: clock.monotonicNow,
        sleep: clock.sleep,
        random: () => 0.5,
        onWarning: () => {},
      });
      let time = clock.now();
      const reports: Promise<unknown>[] = [];
      const totals = new Map<string, number>();
      for (const window of windows) {
        for (const { tag, value } of window) {
          time += 7;
          totals.set(tag, (totals.get(tag) ?? 0) + value);
          const metadata = { trace_id: `trace${time}` };
          output.add([counter, trend].map((metric) => ({ metric, time, value, tags: { tag }, metadata })));
        }
        reports.push(output.flush());
      }
      const report = await clock.settle(output.close({ timeoutMs: Infinity }));
      await Promise.all(reports);
      assert.equal(report.delivered, report.samples);
      for (const [tag, total] of totals) {
        const stored = receiver.samples.get(`k6_c_total{tag="${tag}"}`) ?? [];
        assert.equal(stored.at(-1)?.value, total);
      }
      assert.equal(clock.timers, 0, "a timer is left");
    }),
    { seed: 5, numRuns: slowRuns(300) },
  );
});

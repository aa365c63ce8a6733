import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import type { Metric } from "../../../src/k6/metric.ts";
import { RemoteWriteOutput } from "../../../src/k6/output/remote_write_output.ts";
import type { RemoteWriteOutputOptions } from "../../../src/k6/output/output_options.ts";
import { readK6Json } from "../../../src/k6/read/k6_json.ts";
import { strictReceiver } from "../../support/receiver_capture.ts";
import { afterRecordings, keyOf, recordedJson, recordedSamples, type SentSample } from "../../support/recorded_run.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const counter: Metric = { name: "c", type: "counter", contains: "default" };
const quiet = { onWarning: (): void => {} };

/** What arrives of the recorded run, series by series. */
async function replay(options: RemoteWriteOutputOptions): Promise<Map<string, SentSample[]>> {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, now: afterRecordings, fetch: receiver.fetch, ...options });
  for await (const samples of readK6Json(new Blob([recordedJson("basic")]).stream())) output.add(samples);
  const { samples, delivered } = await output.close();
  assert.equal(delivered, samples);
  const received = new Map<string, SentSample[]>();
  for (const { labels, samples = [] } of receiver.writes.flatMap(({ timeSeries }) => timeSeries)) {
    const points = received.get(keyOf(labels)) ?? [];
    received.set(keyOf(labels), points);
    for (const { value, timestamp } of samples) points.push({ value, timestamp: Number(timestamp) });
  }
  return received;
}

/** What k6 was told to send in the recorded run. */
const asRecorded: RemoteWriteOutputOptions = {
  keepNameTag: true,
  trendStats: ["p(90)", "p(95)", "p(99)", "p(99.9)", "min", "max", "avg", "med", "count", "sum"],
};

for (const windows of ["event", "wall"] as const) {
  test(`the recorded run gives the last value and time that k6 sent of each series (${windows} windows)`, async () => {
    const received = await replay({ ...asRecorded, windows });
    const sent = recordedSamples("basic");
    assert.equal(sent.size, 438);
    for (const [key, samples] of sent) {
      const expected = samples.at(-1);
      const last = received.get(key)?.at(-1);
      assert.ok(expected !== undefined && last !== undefined, `${key} did not arrive`);
      assert.equal(last.timestamp, expected.timestamp, key);
      // k6 divides the count of a trend of times by 1000, as if it were one.
      const isTimeCount = /__name__="k6_(http_req|iteration|group|waiting)_.*_count"/.test(key) ||
        key.includes("waiting_time_count");
      const value = isTimeCount ? last.value / 1000 : last.value;
      assert.ok(
        Math.abs(value - expected.value) <= 1e-12 * Math.abs(expected.value),
        `${key}: ${value}, k6 ${expected.value}`,
      );
    }
  });
}

test("a replay gives the same requests each time", async () => {
  const bodies = async (): Promise<string[]> => {
    const collected: string[] = [];
    const output = new RemoteWriteOutput({
      ...quiet,
      windows: "event",
      fetch: (_, init) => {
        collected.push(Array.from(init?.body instanceof Uint8Array ? init.body : []).join());
        return Promise.resolve(new Response(null, { status: 204 }));
      },
    });
    for await (const samples of readK6Json(new Blob([recordedJson("basic")]).stream())) output.add(samples);
    await output.close();
    return collected;
  };
  const first = await bodies();
  assert.ok(first.length >= 6, "the run took six seconds, each a window");
  assert.deepEqual(await bodies(), first);
});

test("keepTags, keepNameTag and keepUrlTag decide what becomes a label, before series are told apart", async () => {
  const labelNames = (received: Map<string, SentSample[]>): Set<string> =>
    new Set(
      [...received.keys()].flatMap((key) => [...key.matchAll(/(?:^|,)([a-zA-Z_]+)="/g)].map((match) => match[1] ?? "")),
    );
  assert.deepEqual([...labelNames(await replay({ keepTags: false }))], ["__name__"]);
  const byDefault = labelNames(await replay({}));
  assert.ok(byDefault.has("url") && !byDefault.has("name"));
  const without = await replay({ keepUrlTag: false });
  assert.ok(!labelNames(without).has("url"));
  // The three GET requests of the run differ in their URLs, but two of them in nothing else.
  const getRequests = [...without].filter(([key]) =>
    key.includes("k6_http_reqs_total") && key.includes('method="GET"')
  );
  assert.equal(getRequests.length, 2);
  assert.equal(getRequests.reduce((sum, [, points]) => sum + (points.at(-1)?.value ?? 0), 0), 252);
});

test("raw sends every sample with its own value", async () => {
  const received = await replay({ mapping: "raw", windows: "event" });
  const points = [...received].flatMap(([key, samples]) =>
    samples.map(({ value }) => `${/__name__="([^"]*)"/.exec(key)?.[1]} ${value}`)
  );
  const lines = new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n").map((line) => JSON.parse(line));
  const expected = lines.filter(({ type }) => type === "Point").map(({ metric, data }) => `k6_${metric} ${data.value}`);
  assert.deepEqual(points.sort(), expected.sort());
});

test("nothing is sent before flush(), and its report says what became of it", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add({ metric: counter, time: 1000, value: 2, tags: { a: "b" } });
  assert.equal(receiver.writes.length, 0);
  const { samples, delivered, requests } = await output.flush();
  assert.deepEqual([samples, delivered, requests], [1, 1, 1]);
  assert.deepEqual([...receiver.samples], [['k6_c_total{a="b"}', [{ value: 2, timestamp: 1000 }]]]);
  assert.equal((await output.flush()).samples, 0);
});

test("samples in the millisecond that was sent last still arrive, 1 ms later", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  await output.flush();
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  await output.close();
  assert.deepEqual([...receiver.samples.values()], [[{ value: 1, timestamp: 1000 }, { value: 2, timestamp: 1001 }]]);
});

test("start() flushes by the clock and sends heartbeats, until close(), which sends staleness markers", async () => {
  const clock = new VirtualClock(0);
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: receiver.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    flushPeriodMs: 1000,
    heartbeatMs: 3000,
    staleMarkers: true,
  });
  output.start();
  output.start();
  output.add({ metric: counter, time: 500, value: 1, tags: {} });
  await clock.advance(7500);
  await output.close();
  assert.deepEqual([...receiver.samples.values()].flat().map(({ timestamp, stale }) => [timestamp, stale ?? false]), [
    [500, false],
    // It was sent at 1000, so that 3 s passed at 4000.
    [3500, false],
    [6500, false],
    [6501, true],
  ]);
  assert.equal(clock.timers, 0, "no timer is left");
});

test("aggregation never waits for the network", async () => {
  const clock = new VirtualClock(0);
  let answers = 0;
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: () => {
      answers++;
      return new Promise(() => {});
    },
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    closeTimeoutMs: 100,
  });
  for (let second = 1; second <= 5; second++) {
    output.add({ metric: counter, time: second * 1000, value: 1, tags: {} });
    void output.flush();
  }
  assert.deepEqual([output.stats.samplesIn, output.stats.samplesPending], [5, 5]);
  const closed = output.close();
  await clock.advance(200);
  const { samples, deferred, failed } = await closed;
  assert.deepEqual([answers, samples, deferred, failed], [1, 5, 4, 1]);
});

test("what cannot be sent is refused, counted, and said once", async () => {
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ fetch: receiver.fetch, onWarning: (message) => warnings.push(message) });
  for (const value of [NaN, Infinity]) output.add({ metric: counter, time: 1, value, tags: {} });
  output.add({ metric: counter, time: NaN, value: 1, tags: {} });
  assert.deepEqual(output.stats.samplesRefused, { invalidValue: 2, invalidTime: 1, futureTime: 0, maxSeries: 0 });
  assert.deepEqual(warnings, [
    "Rejected a sample of c: its value is NaN, expected a finite number. Further samples are only counted.",
    "Rejected a sample of c: its time is NaN, expected milliseconds since 1970. Further samples are only counted.",
  ]);
  assert.equal((await output.close()).samples, 0);
});

test("a mapping of one's own says what is sent", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: receiver.fetch,
    mapping: {
      name: "last and count",
      mapMetric: ({ name }) =>
        name === "ignored" ? undefined : {
          outputs: [
            { name: `my_${name}`, metadata: { type: "gauge" } },
            { name: `my_${name}`, labels: { of: "count" }, metadata: { type: "counter" } },
          ],
          createSink() {
            let [last, count] = [0, 0];
            return {
              add(value): void {
                last = value;
                count++;
              },
              collect(emit): void {
                emit(0, last);
                emit(1, count);
              },
            };
          },
        },
    },
  });
  output.add([5, 7].map((value) => ({ metric: counter, time: 1000, value, tags: {} })));
  output.add({ metric: { ...counter, name: "ignored" }, time: 1000, value: 1, tags: {} });
  await output.close();
  assert.deepEqual([...receiver.samples], [
    ["my_c", [{ value: 7, timestamp: 1000 }]],
    ['my_c{of="count"}', [{ value: 2, timestamp: 1000 }]],
  ]);
});

test("after close() samples are an error, and closing again gives the same account", async () => {
  const receiver = strictReceiver();
  await using output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add({ metric: counter, time: 1, value: 1, tags: {} });
  const account = await output.close();
  assert.equal(await output.close(), account);
  assert.throws(() => output.add({ metric: counter, time: 2, value: 1, tags: {} }), /the output is closed/);
});

test("two ways to authenticate are an error at start", () => {
  assert.throws(
    () => new RemoteWriteOutput({ user: "a", password: "b", headers: { Authorization: "Bearer hunter2" } }),
    (error) => error instanceof ConfigurationError && !error.message.includes("hunter2"),
  );
});

test("flush({ signal }) ends the waiting, not the sending", async () => {
  let answer = (): void => {};
  const answered = new Promise<Response>((resolve) => answer = () => resolve(new Response(null, { status: 204 })));
  const output = new RemoteWriteOutput({ ...quiet, protocol: "1.0", fetch: async () => (await answered).clone() });
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  const end = new AbortController();
  const flushed = output.flush({ signal: end.signal });
  end.abort(new Error("enough"));
  await assert.rejects(flushed, /enough/);
  const closed = output.close();
  answer();
  assert.equal((await closed).delivered, 1);
});

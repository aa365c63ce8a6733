/** A recorded run of k6 as an output sends it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readK6Json, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";
import { afterRecordings, keyOf, recordedJson, recordedSamples, type SentSample } from "../../support/recorded_run.ts";

const quiet = { onWarning: (): void => {} };

/** Sends the recorded run, and returns the samples of each series that arrived. */
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

/** The options of k6 in the recorded run. */
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
      // k6 divides the count of a trend of times by 1000, as if the count were a time.
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
  // The three GET requests of the run have different URLs; two of them differ in nothing else.
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

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { runCli } from "../../support/cli.ts";
import { recordingPaths } from "../../support/recorded_run.ts";
import { startReceiver } from "../../support/receiver_server.ts";
import { onlyV1 } from "../../support/scripted_receiver.ts";
import { type StrictReceiver, strictReceiver } from "../../support/strict_receiver.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const counter: Metric = { name: "c", type: "counter", contains: "default" };
const start = Date.UTC(2026, 0, 1);

function setUp(
  options: RemoteWriteOutputOptions = {},
): { output: RemoteWriteOutput; receiver: StrictReceiver; clock: VirtualClock } {
  const clock = new VirtualClock(start);
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    fetch: receiver.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    onWarning: () => {},
    selfMetrics: true,
    ...options,
  });
  return { output, receiver, clock };
}

test("each flush sends the statistics from its beginning, with Prometheus's names", async () => {
  const { output, receiver, clock } = setUp();
  output.add([1, 2].map((value) => ({ metric: counter, time: start - 5, value, tags: { n: String(value) } })));
  await output.flush();
  await clock.advance(1000);
  await output.flush();
  const of = (name: string): (readonly [number, number])[] =>
    receiver.samples.get(`k6_remote_write_${name}`)?.map(({ value, timestamp }) => [timestamp - start, value]) ?? [];
  const first = receiver.writes[0]?.timeSeries.length ?? 0;
  assert.deepEqual(of("samples_total"), [[0, 0], [1000, first]]);
  assert.deepEqual(of("samples_failed_total"), [[0, 0], [1000, 0]]);
  assert.deepEqual(of("samples_retried_total"), [[0, 0], [1000, 0]]);
  for (const reason of ["queue_full", "closed", "too_large", "not_encodable"]) {
    assert.deepEqual(of(`samples_dropped_total{reason="${reason}"}`), [[0, 0], [1000, 0]]);
  }
  assert.deepEqual(of("samples_pending"), [[0, 0], [1000, 0]]);
  assert.ok((of("bytes_total")[1]?.[1] ?? 0) > 100);
  assert.deepEqual(of("requests_total"), [[0, 0], [1000, 1]]);
  // The clock did not advance during the request.
  for (
    const le of ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "25", "60", "+Inf"]
  ) {
    assert.deepEqual(of(`request_duration_seconds_bucket{le="${le}"}`), [[0, 0], [1000, 1]], le);
  }
  assert.deepEqual(of("request_duration_seconds_sum"), [[0, 0], [1000, 0]]);
  assert.deepEqual(of("request_duration_seconds_count"), [[0, 0], [1000, 1]]);
  assert.deepEqual(of("highest_sent_timestamp_seconds"), [[1000, start / 1000]]);
  const { samples, delivered } = await output.close();
  assert.equal(delivered, samples);
});

test("the series have the prefix and the labels of the options, but no tags", async () => {
  const { output, receiver } = setUp({ prefix: "shop_", labels: { instance: "a", empty: "" } });
  output.add({ metric: counter, time: start, value: 1, tags: { method: "GET" } });
  await output.close();
  assert.equal(receiver.samples.get('shop_remote_write_requests_total{instance="a"}')?.length, 1);
  assert.equal(
    receiver.samples.get('shop_remote_write_samples_dropped_total{instance="a",reason="closed"}')?.length,
    1,
  );
  assert.ok(receiver.samples.has('shop_c_total{instance="a",method="GET"}'));
});

test("buckets are cumulative, and retried samples are counted", async () => {
  let requests = 0;
  const { receiver, output, clock } = setUp({
    labels: {},
    random: () => 0,
    fetch: async (input, init) => {
      const slow = [20, 700, 0][requests++] ?? 0;
      const { signal } = new AbortController();
      await clock.sleep(slow, signal);
      return requests === 1 ? new Response("busy", { status: 503 }) : await receiver.fetch(input, init);
    },
  });
  output.add({ metric: counter, time: start, value: 1, tags: {} });
  await clock.settle(output.flush());
  await clock.settle(output.flush());
  const last = (name: string): number | undefined => receiver.samples.get(`k6_remote_write_${name}`)?.at(-1)?.value;
  assert.deepEqual(
    ["0.01", "0.025", "0.5", "1", "+Inf"].map((le) => last(`request_duration_seconds_bucket{le="${le}"}`)),
    [0, 1, 1, 2, 2],
  );
  assert.equal(last("request_duration_seconds_sum"), 0.72);
  assert.equal(last("samples_retried_total"), (last("samples_total") ?? 0) / 2);
});

test("in a replay, the statistics have the times of the samples, so that later samples are not too old", async () => {
  const { output, receiver } = setUp({ windows: "event" });
  for (const time of [1000, 1700, 2500, 2500]) output.add({ metric: counter, time, value: 1, tags: {} });
  await output.close();
  const times = receiver.samples.get("k6_remote_write_requests_total")?.map(({ timestamp }) => timestamp);
  assert.deepEqual(times, [1700, 2500]);
});

test("the statistics are sent only with selfMetrics, --self-metrics or the variable (on one runtime)", async () => {
  const { output, receiver } = setUp({ selfMetrics: false });
  output.add({ metric: counter, time: start, value: 1, tags: {} });
  await output.close();
  assert.deepEqual([...receiver.samples.keys()], ["k6_c_total"]);
  const accepted = await startReceiver({ script: onlyV1 });
  try {
    const command = [recordingPaths.basic, "--quiet", "--url", accepted.url];
    for (const [args, env] of [[["--self-metrics"], {}], [[], { K6_PROMETHEUS_RW_SELF_METRICS: "true" }]] as const) {
      const before = accepted.samples.length;
      assert.equal((await runCli([...command, ...args], { env })).code, 0);
      const sent = accepted.samples.slice(before).filter(({ name }) => name === "k6_remote_write_samples_total");
      assert.ok(sent.length >= 6, String(sent.length));
    }
  } finally {
    await accepted.close();
  }
});

import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeliveryReport, type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { decodeV1 } from "../../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../../src/protocol/decode_v2.ts";
import type { ProtocolVersion } from "../../../src/protocol/protocol_version.ts";
import { decompress } from "../../../src/protocol/snappy.ts";
import { strictRules } from "../../../src/receive/rules/strict_rules.ts";
import { anyFault, passingFault } from "../../support/arbitrary_faults.ts";
import { headersV1, headersV2 } from "../../support/requests.ts";
import { decodeBody, type Fault, ScriptedReceiver, type V2Support } from "../../support/scripted_receiver.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { slowRuns } from "../../support/runs.ts";

const seed = 20260402;
const maxStepSamples = 12;
const counter: Metric = { name: "c", type: "counter", contains: "default" };

/** Samples, and a flush after them. */
interface Step {
  readonly samples: readonly { readonly series: number; readonly laterMs: number }[];
  readonly pauseMs: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    samples: fc.array(fc.record({ series: fc.nat(5), laterMs: fc.integer({ min: -1, max: 3 }) }), {
      maxLength: maxStepSamples,
    }),
    pauseMs: fc.constantFrom(0, 0, 1, 1000, 20_000),
  }),
  { minLength: 1, maxLength: 10 },
);

interface Plan {
  readonly steps: readonly Step[];
  readonly faults: readonly Fault[];
  readonly v2: V2Support;
  readonly options: RemoteWriteOutputOptions & { readonly mapping: "prometheus" | "raw" };
}

interface Result {
  /** The values that must be sent of each series, in order. */
  readonly expected: ReadonlyMap<string, readonly number[]>;
  readonly report: DeliveryReport;
  readonly receiver: ScriptedReceiver;
}

/** Returns the violations of the rules for senders in a request by itself, whatever came before it. */
function violationsOf(body: Uint8Array, version: ProtocolVersion): string[] {
  const violations: string[] = [];
  const message = (version === "2.0" ? decodeV2 : decodeV1)(decompress(body, { maxDecodedBytes: 1 << 24 }));
  const checkRequest = strictRules().createChecks(({ rule, message }) => violations.push(`${rule}: ${message}`));
  const headers = version === "2.0" ? headersV2 : headersV1;
  checkRequest(new Request("http://receiver.test", { method: "POST", headers }), version).check(message);
  return violations;
}

/** Runs a plan to its end, and checks what must hold for every plan. */
async function run({ steps, faults, v2, options }: Plan): Promise<Result> {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({
    clock,
    faults,
    v2,
    decode: (body, version) => {
      receiver.violations.push(...violationsOf(body, version));
      return decodeBody(body, version).samples;
    },
  });
  const output = new RemoteWriteOutput({
    url: "http://receiver.test/write",
    fetch: receiver.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    random: () => 0.5,
    onWarning: () => {},
    ...options,
  });
  const { mapping, capacity = 500_000, shards = 1 } = options;
  // The batch that is being sent and the newest batch of each shard are not dropped.
  const bound = Math.max(capacity, 2 * shards * maxStepSamples);
  const expected = new Map<string, number[]>();
  const sums = new Map<string, number>();
  let [added, time] = [0, clock.now()];
  for (const { samples, pauseMs } of steps) {
    const taken = samples.map(({ series, laterMs }) => {
      time += laterMs;
      const value = ++added;
      output.add({ metric: counter, time, value, tags: { n: String(series) } });
      return { key: `${mapping === "raw" ? "k6_c" : "k6_c_total"}{n="${series}"}`, time, value };
    });
    // Computes what a flush must send: each sample in the order of time, or the sum so far of each series.
    if (mapping === "raw") taken.sort((a, b) => a.time - b.time);
    for (const { key, value } of taken) sums.set(key, (sums.get(key) ?? 0) + value);
    const flushed = mapping === "raw"
      ? taken.map(({ key, value }) => [key, value] as const)
      : [...new Set(taken.map(({ key }) => key))].map((key) => [key, sums.get(key) ?? 0] as const);
    for (const [key, value] of flushed) expected.set(key, [...expected.get(key) ?? [], value]);
    void output.flush();
    assert.ok(output.stats.samplesPending <= bound, "more samples wait than the capacity");
    await clock.advance(pauseMs);
  }
  const report = await clock.settle(output.close());
  const { samples, delivered, rejected, failed, unknown, dropped, deferred } = report;
  assert.equal(delivered + rejected + failed + unknown + dropped + deferred, samples);
  assert.equal(samples + report.merged, [...expected.values()].flat().length, "the report does not count every sample");
  assert.deepEqual(receiver.violations, [], "the sender broke rules, or sent a series in two requests at once");
  assert.equal(clock.timers, 0, "a timer is left");
  const { samplesPending, samplesIn } = output.stats;
  assert.deepEqual([samplesPending, samplesIn], [0, added]);
  return { expected, report, receiver };
}

test("with any samples and any network: each sample is delivered exactly once and in order, or counted as lost", async () => {
  const plan = fc.record({
    steps,
    faults: fc.array(anyFault, { maxLength: 40 }),
    v2: fc.constantFrom<V2Support[]>("known", 204, 415, 400),
    options: fc.record({
      mapping: fc.constantFrom("prometheus" as const, "raw" as const),
      protocol: fc.constantFrom("auto" as const, "1.0" as const, "2.0" as const),
      shards: fc.integer({ min: 1, max: 3 }),
      capacity: fc.constantFrom(15, 40, 500_000),
      maxSamplesPerSend: fc.integer({ min: 1, max: 8 }),
      retryDeadlineMs: fc.constantFrom(Infinity, 0, 5000),
      closeTimeoutMs: fc.constantFrom(0, 1000, 10_000_000),
    }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async (plan) => {
      const { expected, report, receiver } = await run(plan);
      for (const [series, samples] of receiver.stored) {
        const values = samples.map(({ value }) => value);
        const wanted = expected.get(series) ?? [];
        assert.deepEqual(
          values,
          wanted.filter((value) => values.includes(value)),
          `${series}: a wrong order, or a sample twice`,
        );
      }
      const { delivered, unknown, failed } = report;
      assert.ok(delivered <= receiver.count, `delivered ${delivered}, but stored ${receiver.count}`);
      assert.ok(receiver.count <= delivered + unknown + failed, "more samples are stored than the report allows");
    }),
    { seed, numRuns: slowRuns(400) },
  );
});

test("an output without time limits loses no sample to temporary faults", async () => {
  const plan = fc.record({
    steps,
    faults: fc.array(passingFault, { maxLength: 50 }),
    v2: fc.constantFrom<V2Support[]>("known", 204, 415, 400),
    options: fc.record({
      mapping: fc.constantFrom("prometheus" as const, "raw" as const),
      protocol: fc.constantFrom("auto" as const, "1.0" as const),
      shards: fc.integer({ min: 1, max: 3 }),
      maxSamplesPerSend: fc.integer({ min: 1, max: 8 }),
      retryDeadlineMs: fc.constant(Infinity),
      closeTimeoutMs: fc.constant(Infinity),
    }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async (plan) => {
      const { expected, report, receiver } = await run(plan);
      const stored = new Map(
        [...receiver.stored].map(([series, samples]) => [series, samples.map(({ value }) => value)]),
      );
      assert.deepEqual([...stored].sort(), [...expected].sort());
      // If a request with several samples of a series is sent twice, the receiver refuses the samples that it has.
      const unknown = plan.options.mapping === "raw" ? report.unknown : 0;
      assert.equal(report.delivered + unknown, report.samples);
    }),
    { seed, numRuns: slowRuns(300) },
  );
});

// Runs on one runtime: the verdict depends on the answers only, and other tests of the command use HTTP on each runtime.
/**
 * The verdict on a recorded run that four senders sent in parts, compared with the verdict on the run as one sender sent it, and
 * with values that are computed from the samples themselves.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readK6Json } from "../../../src/k6/read/k6_json.ts";
import { RemoteWriteOutput } from "../../../src/k6/output/remote_write_output.ts";
import type { RemoteWriteOutputOptions } from "../../../src/k6/output/output_options.ts";
import type { Metric } from "../../../src/k6/metric.ts";
import { legacyMapping } from "../../../src/k6/mapping/legacy.ts";
import { runInfo } from "../../../src/k6/run_metrics/run_info.ts";
import { thresholds } from "../../../src/k6/run_metrics/thresholds.ts";
import type { Sample } from "../../../src/k6/sample.ts";
import { byteStream } from "../../support/byte_stream.ts";
import { type CliResult, runCli, startCli } from "../../support/cli.ts";
import { noPrometheus, startPrometheus } from "../../support/prometheus.ts";
import { recordedJson, startOfRecording } from "../../support/recorded_run.ts";
import { noVictoriaMetrics, startVictoriaMetrics } from "../../support/victoria_metrics.ts";

const recording: readonly Sample[] = await readRecording();

async function readRecording(): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const some of readK6Json(byteStream(recordedJson("basic")))) samples.push(...some);
  return samples;
}

interface Sending extends RemoteWriteOutputOptions {
  readonly testid: string;
  readonly instance: string;
  /** The number of the part of four. @default all */
  readonly part?: number;
  /** When the run ended, in milliseconds since the Unix epoch. @default 3 seconds ago */
  readonly endMs?: number;
}

/** Sends the recorded run, or every fourth sample of it, moved in time. */
async function sendRecording({ part, endMs = Date.now() - 3000, ...options }: Sending): Promise<void> {
  const last = recording.reduce((latest, { time }) => Math.max(latest, time), 0);
  const shift = Math.floor(endMs - last);
  const samples = recording.filter((_, index) => part === undefined || index % 4 === part)
    .map(({ metric, time, value, tags: { testid: _, ...tags } }) => ({ metric, time: time + shift, value, tags }));
  await sendSamples(samples, options);
}

async function sendSamples(samples: readonly Sample[], options: RemoteWriteOutputOptions): Promise<void> {
  const output = new RemoteWriteOutput({
    ...{ windows: "event", staleMarkers: true, protocol: "1.0", onWarning: () => {} },
    ...options,
  });
  output.add(samples);
  const { samples: sent, delivered } = await output.close();
  assert.equal(delivered, sent);
}

/** The parts of the JSON that the tests read. */
interface VerdictJson {
  readonly exitCode: number;
  readonly end: string;
  readonly durationMs: number;
  readonly problems: readonly string[];
  readonly instances: readonly {
    readonly name: string;
    readonly ended: boolean;
    readonly start: string;
    readonly end: string;
  }[];
  readonly thresholds: readonly { readonly expression: string; readonly state: string; readonly detail: string }[];
  readonly checks: readonly { readonly name: string; readonly passes: number; readonly samples: number }[];
  readonly metrics: Readonly<
    Record<string, {
      readonly type: string;
      readonly form?: string;
      readonly count?: number;
      readonly values: Readonly<Record<string, number>>;
      readonly bounds?: Readonly<Record<string, readonly [number, number]>>;
      readonly unknown?: Readonly<Record<string, string>>;
    }>
  >;
}

async function verdictOf(url: string, testid: string, ...flags: readonly string[]): Promise<VerdictJson> {
  const { stdout, stderr } = await runCli(["verdict", "--url", url, "--testid", testid, "--json", ...flags]);
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
}

/** Returns the value of a rank among the recorded values of a metric. */
function recordedQuantile(metric: string, q: number): number {
  const values = recording.filter((sample) => sample.metric.name === metric).map(({ value }) => value).sort((a, b) =>
    a - b
  );
  return values[Math.max(0, Math.ceil(q * values.length) - 1)] ?? NaN;
}

function recorded(metric: string): readonly number[] {
  return recording.filter((sample) => sample.metric.name === metric).map(({ value }) => value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Compares the verdicts on one sender and on four, and with the samples. */
function compare(one: VerdictJson, four: VerdictJson): void {
  assert.deepEqual(
    four.instances.map(({ name, ended }) => [name, ended]),
    [0, 1, 2, 3].map((n) => [`runner-${n}`, true]),
  );
  assert.deepEqual([one.exitCode, four.exitCode, one.problems, four.problems], [0, 0, [], []]);
  assert.deepEqual(Object.keys(four.metrics), Object.keys(one.metrics));
  assert.deepEqual(four.checks, one.checks);
  const near = (actual = NaN, expected = NaN, what = ""): void =>
    assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${what}: ${actual}, expected ${expected}`);
  for (const [name, { type, count, values, bounds }] of Object.entries(four.metrics)) {
    const other = one.metrics[name] ?? assert.fail(name);
    if (type === "counter") {
      assert.equal(values.count, other.values.count, name);
      assert.equal(values.count, sum(recorded(name)), name);
      near(values.rate, (values.count ?? NaN) / (four.durationMs / 1000), name);
    } else if (type === "rate") {
      assert.equal(values.rate, other.values.rate, name);
      near(values.rate, sum(recorded(name)) / recorded(name).length, name);
      assert.equal(count, recorded(name).length, name);
    } else if (type === "trend") {
      assert.deepEqual(bounds, other.bounds, name);
      assert.equal(count, recorded(name).length, name);
      near(values.avg, sum(recorded(name)) / recorded(name).length, name);
      for (
        const [stat, q] of [["min", 0], ["med", 0.5], ["p(90)", 0.9], ["p(95)", 0.95], ["p(99)", 0.99], [
          "max",
          1,
        ]] as const
      ) {
        const [low = NaN, high = NaN] = bounds?.[stat] ?? [];
        const value = recordedQuantile(name, q);
        // A millisecond's last digits differ after the division by 1000.
        assert.ok(value > low - 1e-9 || value === low, `${name} ${stat}: ${value} is below ${low}`);
        assert.ok(value <= high + 1e-9, `${name} ${stat}: ${value} is above ${high}`);
      }
    }
  }
  assert.ok(Object.values(four.metrics).filter(({ type }) => type === "trend").length >= 10);
}

test(
  "four senders of parts of a run have the verdict of one sender of all of it: Prometheus, both histograms",
  { skip: noPrometheus },
  async () => {
    const prometheus = await startPrometheus();
    const { url, writeUrl } = prometheus;
    try {
      for (const trendAs of ["native", "histogram"] as const) {
        const common = { url: writeUrl, trendAs, thresholds: thresholds(), endMs: Date.now() - 3000 };
        await sendRecording({ ...common, testid: `one-${trendAs}`, instance: "alone" });
        for (const part of [0, 1, 2, 3]) {
          await sendRecording({ ...common, testid: `four-${trendAs}`, instance: `runner-${part}`, part });
        }
        const one = await verdictOf(writeUrl, `one-${trendAs}`);
        // The query API may be given instead of derived.
        const four = await verdictOf(writeUrl, `four-${trendAs}`, "--query-url", url, "--expect", "4");
        compare(one, four);
        // The time of the last sample is found to a few milliseconds, wherever it is in the week that is searched.
        for (const { end } of [one, ...four.instances.slice(0, 1)]) {
          assert.ok(
            Math.abs(Date.parse(end) - common.endMs) <= 20,
            `${end}, not ${new Date(common.endMs).toISOString()}`,
          );
        }
        assert.equal(four.metrics.http_req_duration?.form, trendAs === "native" ? "native" : "classic");
        // The thresholds are those of the script.
        assert.deepEqual(four.thresholds.map(({ expression, state }) => [expression, state]), [
          ["p(95)<500", "passed"],
          ["rate>0.5", "passed"],
        ]);
        // From the first sample to the last, 6.2 s passed. The estimate is within one flush period, which is a second.
        assert.ok(Math.abs(four.durationMs - 6214) <= 1100, String(four.durationMs));
      }
      // Without this error, everything would only be missing.
      for (const [mapping, name] of [["raw", "raw"], [legacyMapping({ prefix: "k6_" }), "legacy"]] as const) {
        await sendRecording({ url: writeUrl, mapping, testid: name, instance: "alone" });
        const { code, stderr } = await verdict(writeUrl, name);
        assert.equal(code, 2);
        assert.match(stderr, new RegExp(`^error: Cannot judge testid="${name}": it was sent with --mapping ${name}, `));
        assert.match(stderr, /Send with --mapping prometheus, the default\.\n$/);
      }
      // Prometheus's own estimate of a classic histogram's quantile.
      const buckets = 'sum by (le) (last_over_time(k6_http_req_duration_seconds_bucket{testid="four-histogram"}[10m]))';
      const [own] = await prometheus.query(`histogram_quantile(0.95, ${buckets})`, Date.now());
      const { metrics } = await verdictOf(writeUrl, "four-histogram");
      const p95 = metrics.http_req_duration?.values["p(95)"] ?? NaN;
      assert.ok(Math.abs(p95 - Number(own?.value[1]) * 1000) < 1e-9 * p95, `${p95}, not ${own?.value[1]}`);
    } finally {
      await prometheus.close();
    }
  },
);

test(
  "four senders of parts of a run have the verdict of one sender of all of it: VictoriaMetrics",
  { skip: noVictoriaMetrics },
  async () => {
    const victoria = await startVictoriaMetrics();
    const url = victoria.writeUrl;
    try {
      const common = { url, trendAs: "histogram", endMs: Date.now() - 3000 } as const;
      await sendRecording({ ...common, testid: "one", instance: "alone" });
      // Without markers, the information about the run shows its end.
      const ending = { staleMarkers: false, runInfo: runInfo() };
      for (const part of [0, 1, 2, 3]) {
        await sendRecording({ ...common, ...ending, testid: "four", instance: `runner-${part}`, part });
      }
      for (const part of [0, 1]) {
        await sendRecording({ ...common, staleMarkers: part === 0, testid: "two", instance: `runner-${part}`, part });
      }
      // What was stored is shown only after a while otherwise.
      await victoria.stored("nothing");
      compare(await verdictOf(url, "one"), await verdictOf(url, "four", "--expect", "4"));
      const { stdout, code } = await verdict(
        url,
        "four",
        "--thresholds",
        '{"http_req_duration{status:200}":["p(95)<1"]}',
      );
      assert.equal(code, 99);
      const silent = await verdict(url, "two", "--expect", "2", "--timeout", "1ms");
      assert.equal(silent.code, 2);
      assert.match(silent.stdout, /The instance runner-1 went silent before its end/);
      assert.match(stdout, /http_req_duration\{status:200\}\n +✗ 'p\(95\)<1' p\(95\)=2\d\.\d+ms/);
    } finally {
      await victoria.close();
    }
  },
);

function verdict(url: string, testid: string, ...flags: readonly string[]): Promise<CliResult> {
  return runCli(["verdict", "--url", url, "--testid", testid, ...flags]);
}

test(
  "thresholds decide the exit code, and percentiles of percentiles are refused",
  { skip: noPrometheus },
  async () => {
    const prometheus = await startPrometheus();
    const url = prometheus.writeUrl;
    try {
      for (const part of [0, 1]) await sendRecording({ url, testid: "stats", instance: `runner-${part}`, part });
      const judge = (groups: unknown, ...flags: readonly string[]): Promise<CliResult> =>
        verdict(url, "stats", "--thresholds", JSON.stringify(groups), ...flags);
      const passing = {
        "http_reqs{status:200}": ["count>10"],
        http_req_duration: ["max<500"],
        waiting_time: ["max<500"],
      };
      const passed = await judge(passing, "--metric-type", "waiting_time=trend:time");
      assert.equal(passed.code, 0, passed.stdout);
      assert.match(passed.stdout, /http_req_duration\.+: min=[\d.]+µs max=[\d.]+ms\n/);
      // The unit of a trend of the script is not known.
      assert.equal((await judge(passing)).code, 2);
      const crossed = await judge({ http_reqs: ["count<10"], nothing: ["count>0"] });
      assert.equal(crossed.code, 99, crossed.stdout);
      const unanswered = await judge({ http_req_duration: ["p(95)<500"] });
      assert.equal(unanswered.code, 2, unanswered.stdout);
      assert.match(
        unanswered.stdout,
        /\? 'p\(95\)<500' not answered: averages and percentiles .* send with --trend-as native/,
      );
      const missing = await verdict(url, "another");
      assert.deepEqual([missing.code, missing.stdout], [2, ""]);
      assert.match(missing.stderr, /has no series k6_\* with testid="another" in the time that was searched/);
    } finally {
      await prometheus.close();
    }
  },
);

test("a runner that was killed is named, and the exit code is not 0", { skip: noPrometheus }, async () => {
  const prometheus = await startPrometheus();
  const url = prometheus.writeUrl;
  try {
    await sendRecording({ url, testid: "basic", instance: "runner-0", trendAs: "histogram" });
    const first = startOfRecording(100).split("\n")[1] ?? "";
    const now = startOfRecording(100).replaceAll(/"time":"[^"]*"/g, `"time":"${new Date().toISOString()}"`);
    assert.match(first, /"testid":"basic"/);
    const flags = ["--url", url, "--instance", "runner-1", "--stale-markers", "--trend-as", "histogram"];
    const killed = startCli(flags, { input: now, keepOpen: true });
    for (let tries = 0; tries < 200; tries++) {
      if ((await prometheus.query('k6_http_reqs_total{instance="runner-1"}', Date.now())).length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    killed.signal("SIGKILL");
    await killed.ended;
    const { code, stdout } = await verdict(url, "basic", "--expect", "2", "--timeout", "1s");
    assert.equal(code, 2, stdout);
    assert.match(stdout, /problem {2}The instance runner-1 went silent before its end: its last sample is of 20/);
    // The other one shows that senders of this run show their end.
    assert.equal((await verdict(url, "basic")).code, 2);
  } finally {
    await prometheus.close();
  }
});

const duration: Metric = { name: "http_req_duration", type: "trend", contains: "time" };

/** Returns requests of 40 seconds, 50 in each second, whose duration has a long tail. The same seed gives the same values. */
function requests(
  { endMs, slower, seed }: { readonly endMs: number; readonly slower: number; readonly seed: number },
): Sample[] {
  let state = seed;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Array.from({ length: 2000 }, (_, index) => ({
    metric: duration,
    time: endMs - 40_000 + index * 20,
    value: 100 * slower * Math.exp(0.2 * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())),
    tags: { url: index % 2 === 0 ? "a" : "b" },
  }));
}

test("runs are compared side by side, by windows or by gates", { skip: noPrometheus }, async () => {
  const prometheus = await startPrometheus();
  const url = prometheus.writeUrl;
  try {
    const now = Date.now();
    const runs = [["before", 1, -60_000], ["same", 1, 0], ["slower", 1.2, 0]] as const;
    for (const [seed, [testid, slower, shift]] of runs.entries()) {
      const common = { url, testid, instance: "a" };
      await sendSamples(requests({ endMs: now + shift, slower, seed: seed + 1 }), { ...common, trendAs: "native" });
    }
    const same = await verdict(url, "same", "--against", "before");
    assert.equal(same.code, 0, same.stdout + same.stderr);
    assert.match(same.stdout, /✓ 'p\(95\) is not higher' [+-]\d\.\d+ % in \d+ pairs of windows/);
    const slower = await verdict(url, "slower", "--against", "before");
    assert.equal(slower.code, 99, slower.stdout + slower.stderr);
    assert.match(slower.stdout, /✗ 'p\(95\) is not higher' \+(1[2-9]|2\d)\.\d % in \d+ pairs of windows/);
    assert.match(slower.stdout, /Wilcoxon signed-rank test p=/);
    assert.match(slower.stdout, /http_req_duration avg +10\d\.?\d*ms +12\d\.?\d*ms +\+[\d.]+ms +\+(19|20)\.\d %/);
    const gate = ["--fail-if", "http_req_duration p(95) > +30%", "--fail-if", "http_req_duration{url:a} avg > +10"];
    const gated = await verdict(url, "slower", "--against", "before", ...gate);
    assert.equal(gated.code, 99, gated.stdout);
    assert.match(gated.stdout, /✓ 'http_req_duration p\(95\) > \+30%' [\d.]+ms to [\d.]+ms \(\+/);
    assert.match(gated.stdout, /✗ 'http_req_duration\{url:a\} avg > \+10'/);
    assert.equal((await verdict(url, "same", "--against", "nothing")).code, 2);
    // An earlier run with the same testid is another run.
    const earlier = requests({ endMs: now - 1_800_000, slower: 5, seed: 9 });
    await sendSamples(earlier, { url, testid: "same", instance: "b", trendAs: "native" });
    const latest = await verdict(url, "same", "--thresholds", '{"http_req_duration":["avg<150"]}');
    assert.equal(latest.code, 0, latest.stdout + latest.stderr);
    assert.match(latest.stdout, /instances {2}1 \(1 ended\): a\n/);
    assert.match(latest.stderr, /Several runs have testid="same", with gaps between them: the latest is used/);
    const chosen = ["--start", String((now - 1_845_000) / 1000), "--end", String((now - 1_800_000) / 1000)];
    assert.match((await verdict(url, "same", ...chosen)).stdout, /instances {2}1 \(1 ended\): b\n/);
  } finally {
    await prometheus.close();
  }
});

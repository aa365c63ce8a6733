// Runs on one runtime: what Prometheus stores depends on the requests only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError } from "../../src/model/errors.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { runCli } from "../support/cli.ts";
import { noPrometheus, prometheusKnowsV2, startPrometheus } from "../support/prometheus.ts";
import { recordedJson, recordingPaths } from "../support/recorded_run.ts";

interface Point {
  readonly metric: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

const points: readonly Point[] = new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n")
  .map((line) => JSON.parse(line))
  .filter(({ type }) => type === "Point")
  .map(({ metric, data }) => ({ metric, value: data.value, tags: data.tags }));

/** Returns the values of the samples that have a metric and tags. */
function valuesOf(metric: string, tags: Readonly<Record<string, string>> = {}): number[] {
  return points.filter((point) =>
    point.metric === metric && Object.entries(tags).every(([name, value]) => point.tags[name] === value)
  ).map(({ value }) => value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Interpolates as k6 does: https://github.com/grafana/k6/blob/master/metrics/sink.go */
function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (p / 100) * (sorted.length - 1);
  const [below = NaN, above = NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

test(
  "a real Prometheus shows the totals, rates and percentiles of the recorded run",
  { skip: noPrometheus },
  async () => {
    const prometheus = await startPrometheus();
    try {
      const { code, stderr } = await runCli([
        recordingPaths.basic,
        "--shift-to-now",
        "--url",
        prometheus.writeUrl,
      ]);
      assert.equal(code, 0, stderr);
      assert.equal(/the sender uses 1\.0 from now on/.test(stderr), !prometheusKnowsV2, stderr);
      const value = async (expression: string): Promise<number> => {
        const result = await prometheus.query(expression, Date.now());
        assert.equal(result.length, 1, `${expression} gives ${result.length} series`);
        return Number(result[0]?.value[1]);
      };
      const near = (actual: number, expected: number): void =>
        assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual}, expected ${expected}`);
      assert.equal(await value("sum(k6_http_reqs_total)"), sum(valuesOf("http_reqs")));
      assert.equal(await value("sum(k6_data_received_total)"), sum(valuesOf("data_received")));
      const passed = valuesOf("login_ok");
      near(await value("k6_login_ok_rate"), sum(passed) / passed.length);
      assert.equal(await value("k6_vus"), valuesOf("vus").at(-1));
      const created = { scenario: "buy", status: "201" };
      const durations = valuesOf("http_req_duration", created);
      const selector = '{scenario="buy",status="201"}';
      near(await value(`k6_http_req_duration_p95${selector}`), percentile(durations, 95) / 1000);
      near(await value(`k6_http_req_duration_med${selector}`), percentile(durations, 50) / 1000);
      near(await value(`k6_http_req_duration_avg${selector}`), sum(durations) / durations.length / 1000);
      near(await value(`k6_http_req_duration_max${selector}`), Math.max(...durations) / 1000);
      assert.equal((await prometheus.query('k6_http_reqs_total{my_tag="dash"}', Date.now())).length, 1);
    } finally {
      await prometheus.close();
    }
  },
);

test(
  "a real Prometheus shows the recorded run under the legacy names, series by series",
  { skip: noPrometheus },
  async () => {
    const prometheus = await startPrometheus();
    try {
      const args = ["--mapping", "legacy", "--shift-to-now", "--url", prometheus.writeUrl];
      const { code, stderr } = await runCli([recordingPaths.basic, ...args]);
      assert.equal(code, 0, stderr);
      const near = async (expression: string, expected: number): Promise<void> => {
        const result = await prometheus.query(expression, Date.now());
        assert.equal(result.length, 1, `${expression} gives ${result.length} series`);
        const actual = Number(result[0]?.value[1]);
        assert.ok(
          Math.abs(actual - expected) <= 1e-9 * Math.abs(expected),
          `${expression}: ${actual}, not ${expected}`,
        );
      };
      const statuses = [...new Set(points.map(({ tags }) => tags.status))].filter((status) => status !== undefined);
      assert.ok(statuses.length > 1);
      for (const status of statuses) {
        await near(`sum(k6_http_reqs{status="${status}"})`, sum(valuesOf("http_reqs", { status })));
      }
      const passed = valuesOf("login_ok");
      await near("k6_login_ok", sum(passed) / passed.length);
      await near("k6_vus", valuesOf("vus").at(-1) ?? NaN);
      const durations = valuesOf("http_req_duration", { scenario: "buy", status: "201" });
      const selector = '{scenario="buy",status="201"}';
      await near(`k6_http_req_duration_min${selector}`, Math.min(...durations));
      await near(`k6_http_req_duration_max${selector}`, Math.max(...durations));
      await near(`k6_http_req_duration_avg${selector}`, sum(durations) / durations.length);
      await near(`k6_http_req_duration_med${selector}`, percentile(durations, 50));
      await near(`k6_http_req_duration_p90${selector}`, percentile(durations, 90));
      await near(`k6_http_req_duration_p95${selector}`, percentile(durations, 95));
      const names = await prometheus.query('count by (__name__) ({__name__=~"k6_.*(_total|_rate|_p99)"})', Date.now());
      assert.deepEqual(names, []);
    } finally {
      await prometheus.close();
    }
  },
);

test("a real Prometheus stores what the client writes", { skip: noPrometheus }, async () => {
  const prometheus = await startPrometheus();
  try {
    const now = Date.now();
    const client = new RemoteWriteClient({ url: prometheus.writeUrl });
    const labels = [{ name: "room", value: 'Küche "1"' }, { name: "__name__", value: "temperature_celsius" }];
    await client.write([{ labels, samples: [{ value: 21.5, timestamp: now }, { value: 21, timestamp: now - 1000 }] }]);
    const result = await prometheus.query("temperature_celsius", now);
    assert.deepEqual(result.map(({ metric, value }) => [metric.room, value[1]]), [['Küche "1"', "21.5"]]);
    const older = client.write([{ labels, samples: [{ value: 1, timestamp: now - 500 }] }]);
    await assert.rejects(older, /Cannot write: 1 of 1 samples were not delivered \(status 400: out of order sample/);
  } finally {
    await prometheus.close();
  }
});

test(
  "auto finds the newest version that a real Prometheus knows, and histograms and exemplars arrive in it",
  { skip: noPrometheus },
  async () => {
    const prometheus = await startPrometheus();
    try {
      const answers: [version: string | null, status: number, written: string | null][] = [];
      const output = new RemoteWriteOutput({
        url: prometheus.writeUrl,
        trendAs: "native",
        onWarning: () => {},
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          const written = response.headers.get("x-prometheus-remote-write-samples-written");
          const version = new Headers(init?.headers).get("x-prometheus-remote-write-version");
          answers.push([version, response.status, written]);
          return response;
        },
      });
      const time = Date.now() - 10_000;
      const requests = { name: "http_reqs", type: "counter", contains: "default" } as const;
      const duration = { name: "http_req_duration", type: "trend", contains: "time" } as const;
      for (let second = 0; second < 3; second++) {
        const at = { time: time + second * 1000, tags: { status: "200" }, metadata: { trace_id: `trace${second}` } };
        output.add([{ metric: requests, value: 1, ...at }, { metric: duration, value: 250, ...at }]);
        assert.equal((await output.flush()).delivered, 2);
      }
      await output.close();
      // Prometheus 2.42 answers 204 to 2.0 without a Written header, and stores nothing.
      assert.deepEqual(answers[0], prometheusKnowsV2 ? ["2.0.0", 204, "1"] : ["2.0.0", 204, null]);
      const later = new Set(answers.slice(1).map(([version]) => version));
      assert.deepEqual([...later], [prometheusKnowsV2 ? "2.0.0" : "0.1.0"]);

      const value = async (expression: string): Promise<string | undefined> =>
        (await prometheus.query(expression, time + 2000))[0]?.value[1];
      assert.equal(await value("k6_http_reqs_total"), "3");
      assert.equal(await value("histogram_count(k6_http_req_duration_seconds)"), "3");
      assert.equal(await value("histogram_sum(k6_http_req_duration_seconds)"), "0.75");
      const found = await prometheus.exemplars('{__name__=~"k6_.*"}', { fromMs: time - 1000, toMs: time + 10_000 });
      const all = found.map(({ seriesLabels, exemplars }) => [
        seriesLabels.__name__,
        exemplars.map(({ labels, value, timestamp }) => [
          labels.trace_id,
          value,
          Math.round(timestamp * 1000) - time,
        ]),
      ]);
      // Also the first one of the new histogram: in 1.0, it comes after the histogram, in an entry of its own.
      assert.deepEqual(all.sort(), [
        ["k6_http_req_duration_seconds", [["trace0", "0.25", 0], ["trace1", "0.25", 1000], ["trace2", "0.25", 2000]]],
        ["k6_http_reqs_total", [["trace0", "1", 0], ["trace1", "1", 1000], ["trace2", "1", 2000]]],
      ]);
    } finally {
      await prometheus.close();
    }
  },
);

test("what a real Prometheus refuses is reported once, with the flag that helps", { skip: noPrometheus }, async () => {
  const prometheus = await startPrometheus();
  try {
    const replay = ["tests/fixtures/k6/basic/run.json.gz", "--shift-to-now", "--url", prometheus.writeUrl];
    const first = await runCli(replay);
    assert.equal(first.code, 0, first.stderr);
    const second = await runCli(replay);
    const live = await runCli(["--url", prometheus.writeUrl], {
      input: new TextDecoder().decode(recordedJson("basic")),
    });
    for (
      const [{ code, stderr }, reason, flag] of [
        [second, "out of order sample", "--instance auto"],
        [live, "out of bounds", "--shift-to-now"],
      ] as const
    ) {
      assert.equal(code, 1, stderr);
      const warnings = stderr.split("\n").filter((line) => line.startsWith("warn: Not delivered"));
      assert.equal(warnings.length, 1, stderr);
      const example = /^warn: Not delivered: 1 sample \(status 400: (.*)\), such as k6_\w+\{(.*)\}\. .* use (.*?)\.$/;
      assert.deepEqual(example.exec(warnings[0] ?? "")?.filter((_, index) => index % 2 === 1), [reason, flag], stderr);
      assert.ok((warnings[0] ?? "").length < 300, stderr);
    }
  } finally {
    await prometheus.close();
  }
});

test("bad series cost the good ones nothing in a real Prometheus, which rolls a refused 1.0 request back", {
  skip: noPrometheus,
}, async () => {
  const prometheus = await startPrometheus();
  try {
    const client = new RemoteWriteClient({ url: prometheus.writeUrl, protocol: "1.0", onWarning: () => {} });
    const now = Date.now();
    // The first sample of an empty storage decides which ones are too old.
    const first = [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: now }] }];
    await client.write(first);
    const requests: number[] = [];
    for (let write = 0; write < 5; write++) {
      const before = client.stats.requestsTotal;
      const timeSeries = Array.from({ length: 100 }, (_, n) => ({
        labels: [{ name: "__name__", value: "quarantined" }, { name: "n", value: String(n) }],
        // 30 of the series are too old.
        samples: [{ value: write, timestamp: now - 10_000 + write * 1000 - (n % 10 < 3 ? 3 * 3_600_000 : 0) }],
      }));
      const error: unknown = await client.write(timeSeries).catch((error) => error);
      assert.ok(error instanceof DeliveryError);
      assert.deepEqual([error.report.delivered, error.report.rejected], [70, 30]);
      assert.ok(error.report.reasons.every(({ reason }) => reason.includes("out of bounds")));
      requests.push(client.stats.requestsTotal - before);
    }
    const stored = await prometheus.samples("quarantined", now);
    assert.equal(stored.length, 70);
    for (const { samples } of stored) assert.deepEqual(samples.map(([, value]) => value), [0, 1, 2, 3, 4]);
    assert.ok(requests.slice(1).every((count) => count <= 3), requests.join());
  } finally {
    await prometheus.close();
  }
});

test("a real Prometheus without native histograms gets the floats of every window", {
  skip: noPrometheus,
}, async () => {
  // The sender waits between its tries, so both run at the same time.
  await Promise.all((["1.0", "auto"] as const).map(async (protocol) => {
    const prometheus = await startPrometheus({ nativeHistograms: false });
    try {
      const output = new RemoteWriteOutput({
        url: prometheus.writeUrl,
        protocol,
        trendAs: "native",
        onWarning: () => {},
      });
      const start = Date.now() - 5000;
      for (let window = 0; window < 5; window++) {
        const time = start + window * 1000;
        for (let n = 0; n < 10; n++) {
          const gauge = { name: `g${n}`, type: "gauge", contains: "default" } as const;
          output.add({ metric: gauge, time, value: window, tags: {} });
        }
        output.add({ metric: { name: "t", type: "trend", contains: "time" }, time, value: 5, tags: {} });
        assert.equal((await output.flush()).delivered, 10, protocol);
      }
      await output.close();
      const stored = await prometheus.samples('{__name__=~"k6_g.+"}', Date.now());
      assert.equal(stored.length, 10);
      for (const { samples } of stored) assert.deepEqual(samples.map(([, value]) => value), [0, 1, 2, 3, 4]);
    } finally {
      await prometheus.close();
    }
  }));
});

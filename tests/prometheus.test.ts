import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteClient } from "../src/write_client.ts";
import { runCli } from "./support/cli.ts";
import { noPrometheus, startPrometheus } from "./support/prometheus.ts";
import { recordedJson } from "./support/recorded_run.ts";

interface Point {
  readonly metric: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

const points: readonly Point[] = new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n")
  .map((line) => JSON.parse(line))
  .filter(({ type }) => type === "Point")
  .map(({ metric, data }) => ({ metric, value: data.value, tags: data.tags }));

/** The values of a metric, of the samples with such tags. */
function valuesOf(metric: string, tags: Readonly<Record<string, string>> = {}): number[] {
  return points.filter((point) =>
    point.metric === metric && Object.entries(tags).every(([name, value]) => point.tags[name] === value)
  ).map(({ value }) => value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** As k6 interpolates: https://github.com/grafana/k6/blob/master/metrics/sink.go */
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
        "tests/fixtures/k6/basic/run.json.gz",
        "--shift-to-now",
        "--url",
        prometheus.writeUrl,
      ]);
      assert.equal(code, 0, stderr);
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

test("a real Prometheus takes what the client writes", { skip: noPrometheus }, async () => {
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

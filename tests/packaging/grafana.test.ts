// Every expression of docs/grafana, asked of a real Prometheus that holds recorded runs; and the numbers of the main panels,
// compared with what the samples of the recording say.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { RemoteWriteOutput, runInfo } from "../../mod.ts";
import { runCli } from "../support/cli.ts";
import { type Dashboard, type Panel, readDashboard, ShownDashboard, type ShownSeries } from "../support/grafana.ts";
import { noPrometheus, type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { recordedJson, type RecordedRun } from "../support/recorded_run.ts";
import { withFolder } from "../support/temporary_folder.ts";

const skip = noPrometheus;

interface Point {
  readonly metric: string;
  readonly timeMs: number;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** A recording that was moved in time. */
interface Run {
  readonly testid: string;
  readonly json: string;
  readonly points: readonly Point[];
  readonly startMs: number;
  readonly endMs: number;
}

/** Returns a run that ends at a time. Each tenth request belongs to a trace. */
function moved(testid: string, lines: readonly string[], endMs: number): Run {
  const objects = lines.map((line) => JSON.parse(line));
  const points = objects.filter(({ type }) => type === "Point");
  const newest = Math.max(...points.map(({ data }) => Date.parse(data.time)));
  for (const [index, { metric, data }] of points.entries()) {
    data.time = new Date(Date.parse(data.time) - newest + endMs).toISOString();
    if (metric.startsWith("http_req") && index % 10 === 0) {
      data.metadata = { trace_id: index.toString(16).padStart(32, "0") };
    }
  }
  const read = points.map(({ metric, data }) => {
    const { time, value, tags } = data;
    return { metric, timeMs: Date.parse(time), value, tags };
  });
  return {
    testid,
    json: objects.map((object) => `${JSON.stringify(object)}\n`).join(""),
    points: read,
    startMs: Math.min(...read.map(({ timeMs }) => timeMs)),
    endMs,
  };
}

function recorded(run: RecordedRun, endMs: number): Run {
  return moved(run, new TextDecoder().decode(recordedJson(run)).trimEnd().split("\n"), endMs);
}

/** Returns a run with 100 requests, four of which fail, each for another reason: four series with one sample each. */
function fourPercent(endMs: number): Run {
  const metric = (name: string, type: string): string =>
    JSON.stringify({ type: "Metric", metric: name, data: { name, type, contains: "default", thresholds: [] } });
  const requests = Array.from({ length: 100 }, (_, index) => {
    const failed = index % 25 === 24;
    const url = "http://host/";
    const tags = { testid: "four", url, ...failed && { error_code: `10${index}` } };
    const time = new Date(index * 50).toISOString();
    const point = (metric: string, value: number): string =>
      JSON.stringify({ type: "Point", metric, data: { time, value, tags } });
    return [point("http_reqs", 1), point("http_req_failed", failed ? 1 : 0)];
  });
  return moved("four", [metric("http_reqs", "counter"), metric("http_req_failed", "rate"), ...requests.flat()], endMs);
}

// Prometheus evaluates subqueries at multiples of their step, which is 5 s.
const now = Math.floor(Date.now() / 10_000) * 10_000;
const basic = recorded("basic", now - 200_000);
const native = recorded("native", now - 100_000);
const four = fourPercent(now - 20_000);

/** A Prometheus with all runs, for each form of trends. */
const servers: { stats?: Prometheus; native?: Prometheus } = {};

async function startWith(form: "stats" | "native"): Promise<void> {
  const prometheus = await startPrometheus();
  servers[form] = prometheus;
  await withFolder(async (folder) => {
    for (const { testid, json } of [basic, native, four]) {
      const path = `${folder}/${testid}.json`;
      writeFileSync(path, json);
      const { code, stderr } = await runCli([
        ...["send", path, "--url", prometheus.writeUrl, "--trend-as", form, "--testid", testid],
        ...["--run-info", "--thresholds"],
        // Only `rate()` needs it, and only histograms need `rate()`.
        ...form === "native" ? ["--zero-sample"] : [],
      ]);
      assert.equal(code, 0, stderr);
    }
  });
}

/** What `sendLive` had sent before its last flush. */
const live = { delivered: 0, requests: 0 };

/** Sends ten windows of a run that goes on, with the sender's own series. A replay is too fast to show anything. */
async function sendLive(url: string): Promise<void> {
  const startMs = basic.endMs - 10_000;
  let timeMs = startMs;
  let requests = 0;
  const output = new RemoteWriteOutput({
    url,
    fetch(...args) {
      requests++;
      return fetch(...args);
    },
    // So that no request is sent twice to find out the version.
    protocol: "1.0",
    selfMetrics: true,
    runInfo: runInfo(),
    testid: "live",
    now: () => timeMs,
  });
  for (let index = 0; index < 10; index++) {
    timeMs = startMs + index * 1000;
    live.requests = requests;
    const metric = { name: "iterations", type: "counter", contains: "default" } as const;
    output.add({ metric, time: timeMs, value: 1, tags: {} });
    const { delivered } = await output.flush();
    if (index < 9) live.delivered += delivered;
  }
}

before(async () => {
  if (skip !== false) return;
  await Promise.all([startWith("stats"), startWith("native")]);
  await sendLive(serverOf("stats").writeUrl);
});
after(async () => {
  await servers.stats?.close();
  await servers.native?.close();
});

function serverOf(form: "stats" | "native"): Prometheus {
  const prometheus = servers[form];
  assert.ok(prometheus !== undefined);
  return prometheus;
}

/** Opens a dashboard at the end of a run. */
async function open(
  name: string,
  { form, run, chosen }: { form: "stats" | "native"; run: Run; chosen: Readonly<Record<string, string>> },
): Promise<{ dashboard: Dashboard; shown: ShownDashboard; empty: readonly string[] }> {
  const dashboard = readDashboard(name);
  const shown = new ShownDashboard(serverOf(form), { fromMs: run.endMs - 599_000, toMs: run.endMs + 1000, chosen });
  const empty: string[] = [];
  for (const variable of dashboard.templating.list.filter(({ type }) => type !== "datasource")) {
    if ((await shown.load(variable)).length === 0) empty.push(variable.name);
  }
  return { dashboard, shown, empty };
}

const whole = { testid: "basic" };
const both = { baseline: "basic", candidate: "native" };

/** Each dashboard, with the data that it is for. */
const cases = [
  { name: "k6-trend-stats.json", form: "stats", run: basic, chosen: whole },
  { name: "k6-native-histograms.json", form: "native", run: basic, chosen: whole },
  { name: "k6-two-runs.json", form: "stats", run: native, chosen: both },
  { name: "k6-two-runs.json", form: "native", run: native, chosen: both },
  { name: "k6-remote-write-sender.json", form: "stats", run: basic, chosen: { testid: "live" } },
] as const;

for (const { name, form, run, chosen } of cases) {
  test(`every expression of ${name} has a result, with trends as ${form}`, { skip }, async () => {
    const { dashboard, shown, empty } = await open(name, { form, run, chosen });
    const problems = empty.map((variable) => `the variable ${variable} has no value`);
    let count = 0;
    for (const { title, targets = [] } of dashboard.panels) {
      for (const target of targets) {
        count++;
        const series = await shown.show(target).catch((error: Error) => problems.push(`${title}: ${error.message}`));
        if (typeof series === "number") continue;
        const isFinite = series.some(({ values }) => values.some(([, value]) => Number.isFinite(value)));
        if (!isFinite) problems.push(`${title}, ${target.refId}: no value of ${shown.fill(target.expr)}`);
        if (target.exemplar && (await shown.exemplars(target)).length === 0) {
          problems.push(`${title}, ${target.refId}: no exemplar of ${shown.fill(target.expr)}`);
        }
      }
    }
    assert.deepEqual(problems, []);
    assert.ok(count > 15, `${count} expressions`);
    for (const { target } of dashboard.annotations.list) {
      const regions = (await shown.show({ expr: target.expr, instant: false })).map(({ labels, values }) => ({
        testid: labels.testid ?? "",
        times: values.map(([time]) => time),
      }));
      assert.deepEqual(regions.map(({ testid }) => testid).sort(), Object.values(chosen).sort());
      for (const { testid, times } of regions) {
        const { startMs, endMs } = testid === "native" ? native : basic;
        const [first = NaN, last = NaN] = [times[0], times.at(-1)];
        assert.ok(Math.abs(first - startMs) < 5000, `the region of ${testid} begins at ${first}, expected ${startMs}`);
        // An annotation ends when k6_run_info is older than 30 s.
        assert.ok(
          last > endMs - 2000 && last <= endMs + 30_000,
          `the region of ${testid} ends at ${last}, not ${endMs}`,
        );
      }
    }
  });
}

test("the dashboards average no percentiles, and name no data source", () => {
  for (const name of new Set(cases.map(({ name }) => name))) {
    const dashboard = readDashboard(name);
    const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    // avg() would weigh all series alike, also of averages.
    assert.deepEqual(expressions.filter((expr) => /\bavg\b|sum[^(]*\([^()]*_(p\d+|med)\b/.test(expr)), []);
    const uids = [...JSON.stringify(dashboard).matchAll(/"datasource":\{[^}]*"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    assert.ok(uids.length > 10);
    assert.deepEqual(new Set(uids), new Set(["${datasource}"]));
  }
});

function points(run: Run, metric: string, tags: Readonly<Record<string, string>> = {}): Point[] {
  return run.points.filter((point) =>
    point.metric === metric && Object.entries(tags).every(([name, value]) => (point.tags[name] ?? "") === value)
  );
}

const valuesOf = (...args: Parameters<typeof points>): number[] => points(...args).map(({ value }) => value);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const seconds = (milliseconds: number): number => milliseconds / 1000;

/** Interpolates as k6 does: https://github.com/grafana/k6/blob/master/metrics/sink.go */
function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (p / 100) * (sorted.length - 1);
  const [below = NaN, above = NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

function grouped(samples: readonly Point[], keyOf: (point: Point) => string): Map<string, Point[]> {
  const groups = new Map<string, Point[]>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return groups;
}

/** Returns the highest percentile of the series, which are the samples with equal tags. */
function highest(samples: readonly Point[], p: number): number {
  const series = grouped(samples, ({ tags }) => JSON.stringify(Object.entries(tags).sort()));
  return Math.max(...[...series.values()].map((each) => percentile(each.map(({ value }) => value), p)));
}

/** Returns what to expect for each URL. */
function byUrl(run: Run, expect: (url: Readonly<Record<string, string>>) => number): Record<string, number> {
  const urls = new Set(points(run, "http_reqs").map(({ tags }) => tags.url ?? ""));
  return Object.fromEntries([...urls].map((url) => [url, expect({ url })]));
}

/** What a panel must show: one number, or one for each value of a label. */
type Truth = readonly [
  panel: string,
  refId: string,
  expected: number | Readonly<Record<string, number>>,
  label?: string,
];

/** Compares the newest values of panels with the truth. `tolerance` is relative. */
async function compare(
  { dashboard, shown }: Awaited<ReturnType<typeof open>>,
  truths: readonly Truth[],
  tolerance = 1e-9,
): Promise<void> {
  const problems: string[] = [];
  for (const [title, refId, expected, label = "url"] of truths) {
    const panel: Panel | undefined = dashboard.panels.find((each) => each.title === title);
    const target = panel?.targets?.find((each) => each.refId === refId);
    assert.ok(target !== undefined, `there is no ${refId} in ${title}`);
    const series: readonly ShownSeries[] = await shown.show(target);
    const newest = Object.fromEntries(series.map(({ labels, values }) => [labels[label] ?? "", values.at(-1)?.[1]]));
    const wanted = typeof expected === "number" ? { "": expected } : expected;
    assert.deepEqual(Object.keys(newest).sort(), Object.keys(wanted).sort(), title);
    for (const [key, value] of Object.entries(wanted)) {
      const actual = newest[key] ?? NaN;
      if (Math.abs(actual - value) <= tolerance * Math.abs(value)) continue;
      problems.push(`${title}, ${refId} ${key}: ${actual}, expected ${value}`);
    }
  }
  assert.deepEqual(problems, []);
}

/** The panels that have the same numbers in both forms. */
function sameInBothForms(run: Run): Truth[] {
  const failed = (url = {}): number => mean(valuesOf(run, "http_req_failed", url));
  const checks = grouped(points(run, "checks"), ({ tags }) => tags.check ?? "");
  return [
    ["Requests", "A", valuesOf(run, "http_reqs").length],
    ["Failed requests", "A", failed()],
    ["Checks that passed", "A", mean(valuesOf(run, "checks"))],
    ["Iterations", "A", valuesOf(run, "iterations").length],
    ["Highest number of VUs", "A", Math.max(...valuesOf(run, "vus"))],
    ["Data received", "A", sum(valuesOf(run, "data_received"))],
    ["Data sent", "A", sum(valuesOf(run, "data_sent"))],
    ["Average response time", "A", seconds(mean(valuesOf(run, "http_req_duration")))],
    // The window of 20 s holds the whole run.
    ["Highest request rate", "A", valuesOf(run, "http_reqs").length / 20],
    ["Requests per second and VUs", "A", valuesOf(run, "http_reqs").length / 20],
    ["Requests per second and VUs", "B", sum(valuesOf(run, "http_req_failed")) / 20],
    ["Failed requests over time", "A", failed()],
    ["Requests per second by URL", "A", byUrl(run, (url) => points(run, "http_reqs", url).length / 20)],
    ["Failed requests by URL", "A", byUrl(run, failed)],
    ["URLs", "A", byUrl(run, (url) => points(run, "http_reqs", url).length)],
    ["URLs", "B", byUrl(run, failed)],
    ["URLs", "C", byUrl(run, (url) => seconds(mean(valuesOf(run, "http_req_duration", url))))],
    ["Data per second", "A", sum(valuesOf(run, "data_received")) / 20],
    [
      "Checks",
      "C",
      Object.fromEntries([...checks].map(([check, samples]) => [check, mean(samples.map(({ value }) => value))])),
      "check",
    ],
    ["Rates of the script", "A", { login_ok: mean(valuesOf(run, "login_ok")) }, "metric"],
    ["Counters of the script", "A", {
      orders_placed: sum(valuesOf(run, "orders_placed")),
      bytes_up: sum(valuesOf(run, "bytes_up")),
    }, "metric"],
    [
      "Thresholds",
      "A",
      {
        http_req_duration: Number(percentile(valuesOf(run, "http_req_duration"), 95) < 500),
        login_ok: Number(mean(valuesOf(run, "login_ok")) > 0.5),
      },
      "metric",
    ],
  ];
}

test("the panels of k6-trend-stats.json show the truth of the recording", { skip }, async () => {
  const opened = await open("k6-trend-stats.json", { form: "stats", run: basic, chosen: whole });
  const durations = points(basic, "http_req_duration");
  const waiting = mean(valuesOf(basic, "http_req_waiting"));
  await compare(opened, [
    ...sameInBothForms(basic),
    ["p95 of the response time", "A", seconds(highest(durations, 95))],
    ["Longest response time", "A", seconds(Math.max(...durations.map(({ value }) => value)))],
    ["Response time", "A", seconds(mean(durations.map(({ value }) => value)))],
    ["Response time", "D", seconds(highest(durations, 99))],
    ["URLs", "D", byUrl(basic, (url) => seconds(Math.min(...valuesOf(basic, "http_req_duration", url))))],
    ["URLs", "E", byUrl(basic, (url) => seconds(highest(points(basic, "http_req_duration", url), 95)))],
    ["URLs", "G", byUrl(basic, (url) => seconds(Math.max(...valuesOf(basic, "http_req_duration", url))))],
    ["p95 by URL", "A", byUrl(basic, (url) => seconds(highest(points(basic, "http_req_duration", url), 95)))],
    ["Average time of each phase of a request", "E", seconds(waiting)],
  ]);
});

test("the panels of k6-native-histograms.json show the truth of the recording", { skip }, async () => {
  const opened = await open("k6-native-histograms.json", { form: "native", run: basic, chosen: whole });
  await compare(opened, sameInBothForms(basic));
  const durations = valuesOf(basic, "http_req_duration");
  // A bucket is 9 % wide. Between two values that are further apart, k6 interpolates, and Prometheus takes one of them.
  await compare(opened, [
    ["p95 of the response time", "A", seconds(percentile(durations, 95))],
    ["Longest response time", "A", seconds(Math.max(...durations))],
    ["Response time", "C", seconds(percentile(durations, 95))],
    ["URLs", "D", byUrl(basic, (url) => seconds(Math.min(...valuesOf(basic, "http_req_duration", url))))],
    ["URLs", "E", byUrl(basic, (url) => seconds(percentile(valuesOf(basic, "http_req_duration", url), 95)))],
    ["URLs", "G", byUrl(basic, (url) => seconds(Math.max(...valuesOf(basic, "http_req_duration", url))))],
  ], 0.1);
});

test("a share of 4 % failed requests reads 4 %, even if each of them is a series of its own", { skip }, async () => {
  for (const [name, form] of [["k6-trend-stats.json", "stats"], ["k6-native-histograms.json", "native"]] as const) {
    const opened = await open(name, { form, run: four, chosen: { testid: "four" } });
    await compare(opened, [
      ["Failed requests", "A", 0.04],
      ["Failed requests over time", "A", 0.04],
      ["URLs", "B", { "http://host/": 0.04 }],
    ]);
  }
});

test("k6-two-runs.json compares two runs, and moves the first to the start of the second", { skip }, async () => {
  for (const form of ["stats", "native"] as const) {
    const opened = await open("k6-two-runs.json", { form, run: native, chosen: both });
    const requests = [basic, native].map((run) => points(run, "http_reqs").length);
    const [before = NaN, after = NaN] = requests;
    const failed = [basic, native].map((run) => mean(valuesOf(run, "http_req_failed")));
    await compare(opened, [
      ["Requests", "A", before],
      ["Requests", "B", after],
      ["Requests", "C", after / before - 1],
      ["Failed requests", "A", failed[0] ?? NaN],
      ["Failed requests", "C", (failed[1] ?? NaN) - (failed[0] ?? NaN)],
      ["Average response time", "B", seconds(mean(valuesOf(native, "http_req_duration")))],
      ["URLs", "B", byUrl(native, (url) => points(native, "http_reqs", url).length)],
      ["Requests per second", "A", after / 20],
      ["Requests per second", "B", before / 20],
    ]);
  }
});

test("k6-remote-write-sender.json shows what was sent, and that nothing was lost", { skip }, async () => {
  const opened = await open("k6-remote-write-sender.json", { form: "stats", run: basic, chosen: { testid: "live" } });
  await compare(opened, [
    ["Samples sent", "A", live.delivered],
    ["Requests", "A", live.requests],
    ["Requests per second", "A", live.requests / 20],
    ["Samples lost", "A", 0],
    ["Samples that wait", "A", 0],
  ]);
});

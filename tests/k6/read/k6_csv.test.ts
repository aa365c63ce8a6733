import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { K6ReadOptions, K6ReadStats, Metric, Sample } from "../../../mod.ts";
import { readK6Csv, readK6Json } from "../../../mod.ts";
import { byteStream, chunksOf, collect } from "../../support/byte_stream.ts";
import { recordedJson } from "../../support/recorded_run.ts";

const header = "metric_name,timestamp,metric_value,status,extra_tags,metadata\n";

async function read(
  input: string | Uint8Array | readonly Uint8Array[],
  options: K6ReadOptions = {},
): Promise<{ samples: Sample[]; stats: K6ReadStats; foreign: string[] }> {
  const foreign: string[] = [];
  const reader = readK6Csv(byteStream(input), { onForeignLine: (line) => void foreign.push(line), ...options });
  return { samples: await collect(reader), stats: reader.stats, foreign };
}

async function readJson(bytes: Uint8Array): Promise<{ samples: Sample[]; metrics: Metric[] }> {
  const metrics: Metric[] = [];
  const samples = await collect(readK6Json(byteStream(bytes), { onMetric: (metric) => metrics.push(metric) }));
  return { samples, metrics };
}

/** Returns samples in a form in which both formats must agree: the CSV has no empty system tags, and six decimals. */
function comparable(samples: readonly Sample[], resolutionMs: number): unknown[] {
  const present = (tags: Readonly<Record<string, string>> = {}): [string, string][] =>
    Object.entries(tags).filter(([, value]) => value !== "").sort();
  return samples.map(({ metric, time, value, tags, metadata }) => ({
    metric: metric.name,
    type: metric.type,
    contains: metric.contains,
    time: Math.floor(time / resolutionMs) * resolutionMs,
    value: Number(value.toFixed(6)),
    tags: present(tags),
    metadata: present(metadata),
  }));
}

const formats: readonly (readonly [format: string, resolutionMs: number])[] = [
  ["unix", 1000],
  ["unix_milli", 1],
  ["unix_micro", 1],
  ["unix_nano", 1],
  ["rfc3339", 1000],
  ["rfc3339_nano", 1],
];
for (const [format, resolutionMs] of formats) {
  test(`CSV with times in ${format} holds the samples that k6 wrote as JSON in the same run, and infinite ones`, async () => {
    const json = await readJson(readFileSync(`tests/fixtures/k6/csv/${format}.json`));
    const csv = await read(readFileSync(`tests/fixtures/k6/csv/${format}.csv`), { metrics: json.metrics });
    assert.equal(json.samples.length, 44);
    assert.deepEqual(comparable(csv.samples, resolutionMs), comparable(json.samples, resolutionMs));
    // The script measures Infinity twice: k6 writes it into the CSV, but not into the JSON.
    const { invalidValue, ...others } = csv.stats.skipped;
    assert.equal(invalidValue, 2);
    assert.ok(Object.values(others).every((count) => count === 0));
  });
}

test("the recorded CSV holds the samples of the recorded JSON, at the start of each second", async () => {
  const json = await readJson(recordedJson("basic"));
  const bytes = gunzipSync(readFileSync("tests/fixtures/k6/basic/run.csv.gz"));
  const { samples, stats } = await read(bytes, { metrics: json.metrics });
  assert.deepEqual(comparable(samples, 1000), comparable(json.samples, 1000));
  assert.deepEqual([stats.lines, stats.samples, stats.bytes], [5178, 5177, bytes.length]);
  assert.deepEqual(stats.unknownMetrics, []);
});

test("metrics of unknown type are named, and their samples are skipped", async () => {
  const { samples, stats } = await read(gunzipSync(readFileSync("tests/fixtures/k6/basic/run.csv.gz")));
  assert.deepEqual(stats.unknownMetrics, [
    "login_ok",
    "orders_placed",
    "basket_items",
    "bytes_up",
    "cache_size",
    "waiting_time",
  ]);
  assert.equal(samples.length + stats.skipped.unknownMetric, 5177);
});

test("a chunk may end at any byte", async () => {
  const bytes = readFileSync("tests/fixtures/k6/csv/unix_nano.csv");
  const whole = await read(bytes);
  for (const size of [1, 2, 7, 64, 1000]) {
    const { samples, stats } = await read(chunksOf(bytes, size));
    assert.deepEqual(samples, whole.samples);
    assert.deepEqual(stats, whole.stats);
  }
});

test("what k6 prints between the rows of -o csv=- is passed on, and every sample is read", async () => {
  const printed = readFileSync("tests/fixtures/inputs/csv_stdout.txt", "utf8");
  const { samples, stats, foreign } = await read(printed);
  assert.equal(samples.length, 30);
  assert.equal(stats.skipped.malformed + stats.skipped.torn, 0);
  const rest = printed.split("\n").filter((line) => /^\s|^$|^default|^running|^[█✓]/.test(line));
  assert.deepEqual(foreign.filter((line) => line !== ""), rest.filter((line) => line !== ""));
});

test("tags with equal rows are the same object, and metadata are not tags", async () => {
  const { samples } = await read(
    `${header}vus,1,1.0,200,b=1&a=2,vu=1&iter=0\nvus,1,2.0,200,b=1&a=2,vu=2\nvus,1,3.0,200,b=1&a=2,\n`,
  );
  assert.deepEqual(samples.map(({ tags, metadata }) => [tags, metadata]), [
    [{ status: "200", a: "2", b: "1" }, { vu: "1", iter: "0" }],
    [{ status: "200", a: "2", b: "1" }, { vu: "2" }],
    [{ status: "200", a: "2", b: "1" }, undefined],
  ]);
  assert.equal(samples[0]?.tags, samples[2]?.tags);
});

test("k6 does not escape extra tags: values may hold = and &", async () => {
  const { samples } = await read(`${header}vus,1,1.0,,url=http://x/?a=1&q=b&c,\n`);
  assert.deepEqual(samples[0]?.tags, { q: "b&c", url: "http://x/?a=1" });
});

test("a header in the middle changes the columns, and columns of older versions are enough", async () => {
  const older = "metric_name,timestamp,metric_value,method,extra_tags\r\nvus,1,3.0,GET,a=b\r\n";
  const { samples } = await read(`\ufeff${header}vus,1,1.0,200,,\n${older}`);
  assert.deepEqual(samples.map(({ tags }) => tags), [{ status: "200" }, { method: "GET", a: "b" }]);
});

const skipped: readonly (readonly [row: string, reason: keyof K6ReadStats["skipped"]])[] = [
  ["never_heard_of,1,1.0,,,", "unknownMetric"],
  ["vus,soon,1.0,,,", "invalidTime"],
  ["vus,1,one,,,", "invalidValue"],
  ["vus,1,,,,", "invalidValue"],
  ["vus,1,NaN,,,", "invalidValue"],
  ["vus,1,-Inf,,,", "invalidValue"],
  ["vus,1,1.0,,", "malformed"],
  ["vus,1,1.0,,,,", "malformed"],
  ['vus,1,1.0,"x"y,,', "malformed"],
  ["running (0m01.0s), 3/8 VUs, 2 complete", "foreign"],
  ["it's 5\" long", "foreign"],
  ['"quoted', "foreign"],
];
for (const [row, reason] of skipped) {
  test(`the row ${row} is counted as ${reason}, and the next row is read`, async () => {
    const { samples, stats } = await read(`${header}${row}\nvus,1,2.0,,,\n`);
    assert.deepEqual(samples.map(({ value }) => value), [2]);
    assert.deepEqual(stats.skipped[reason], 1);
    assert.equal(Object.values(stats.skipped).reduce((sum, count) => sum + count), 1);
  });
}

test("a row with a quote that never ends costs only itself", async () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `vus,1,${index}.0,,team=${"x".repeat(60)},\n`).join("");
  const { samples, stats } = await read(
    chunksOf(new TextEncoder().encode(`${header}vus,1,7.0,,"a=b\n${rows}`), 65_536),
  );
  assert.deepEqual([samples.length, stats.skipped.malformed], [20_000, 1]);
});

test("a last row without a line end is a sample if it is complete, and torn otherwise", async () => {
  assert.equal((await read(`${header}vus,1,1.0,200,,`)).samples.length, 1);
  for (const row of ["vus,1,1", "vus,1,1.0,2", 'vus,1,1.0,200,"a=']) {
    const { samples, stats } = await read(`${header}${row}`);
    assert.deepEqual([samples.length, stats.skipped.torn], [0, 1]);
  }
});

test("a line that is longer than 1 MiB is counted as too long", async () => {
  const chunk = new TextEncoder().encode("x".repeat(700_000));
  const { samples, stats } = await read([
    new TextEncoder().encode(header),
    chunk,
    chunk,
    chunk,
    new TextEncoder().encode("\nvus,1,2.0,,,\n"),
  ]);
  assert.deepEqual([samples.length, stats.skipped.tooLong, stats.lines], [1, 1, 3]);
});

test("bytes that are not UTF-8 become U+FFFD, and their samples are counted", async () => {
  const bytes = new TextEncoder().encode(`${header}vus,1,1.0,,a=?,\nvus,1,2.0,,a=ok,\nvus,1,3.0,,a=?,\n`);
  bytes[bytes.indexOf(0x3f)] = 0xff;
  bytes[bytes.lastIndexOf(0x3f)] = 0xfe;
  const { samples, stats } = await read(bytes);
  assert.deepEqual(samples.map(({ tags }) => tags.a), ["\ufffd", "ok", "\ufffd"]);
  assert.equal(stats.invalidUtf8, 2);
});

test("an error of the stream is thrown after the samples before it, and the signal ends the reading", async () => {
  let pulls = 0;
  const failing = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode(`${header}vus,1,1.0,,,\n`));
      else controller.error(new Error("disk on fire"));
    },
  });
  let samples = 0;
  await assert.rejects(async () => {
    for await (const batch of readK6Csv(failing)) samples += batch.length;
  }, /disk on fire/);
  assert.equal(samples, 1);
  const end = new AbortController();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(`${header}vus,1,1.0,,,\nvus,1,2.`)),
  });
  const reader = readK6Csv(endless, { signal: end.signal });
  for await (const _ of reader) end.abort();
  assert.equal(reader.stats.skipped.torn, 0, "the rest of a row is not read");
});

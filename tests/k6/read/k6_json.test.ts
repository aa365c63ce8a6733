import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type K6ReadOptions, type K6ReadStats, type Metric, readK6Json, type Sample } from "../../../mod.ts";
import { K6JsonReader } from "../../../src/k6/read/k6_json.ts";
import { readK6Line } from "../../../src/k6/read/k6_json_line.ts";
import { recordedJson } from "../../support/recorded_run.ts";
import { idle } from "../../support/virtual_clock.ts";
import { slowRuns } from "../../support/runs.ts";

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function read(
  input: string | Uint8Array | readonly Uint8Array[],
  options: K6ReadOptions = {},
): Promise<{ samples: Sample[]; stats: K6ReadStats; foreign: string[] }> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const foreign: string[] = [];
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
  const reader = readK6Json(streamOf(chunks), { onForeignLine: (line) => void foreign.push(line), ...options });
  const samples: Sample[] = [];
  for await (const batch of reader) samples.push(...batch);
  return { samples, stats: reader.stats, foreign };
}

/** Returns a point as k6 writes it. */
function point(parts: { metric?: string; time?: string; value?: string; tags?: string; rest?: string } = {}): string {
  const { metric = "vus", time = "2026-11-22T11:19:49.285528009Z", value = "1", tags = '{"a":"b"}', rest = "" } = parts;
  return `{"metric":"${metric}","type":"Point","data":{"time":"${time}","value":${value},"tags":${tags}${rest}}}`;
}

/** Returns the samples that `readK6Line` alone reads, which the fast reader must return too. */
function readPlainly(lines: string): Sample[] {
  const metrics = new Map<string, Metric>();
  return lines.split("\n").flatMap((line) => {
    const result = readK6Line(line, (name) => metrics.get(name));
    if (result.kind === "metric") metrics.set(result.metric.name, result.metric);
    return result.kind === "sample" ? [result.sample] : [];
  });
}

for (const run of ["basic", "native"] as const) {
  test(`the recorded run ${run} is read as by JSON.parse and Date.parse`, async () => {
    const bytes = recordedJson(run);
    const lines = new TextDecoder().decode(bytes).trimEnd().split("\n").map((line) => JSON.parse(line));
    const points = lines.filter(({ type }) => type === "Point");
    const metrics = new Map(lines.filter(({ type }) => type === "Metric").map(({ metric, data }) => [metric, data]));
    const announced: string[] = [];
    const { samples, stats } = await read(bytes, { onMetric: ({ name }) => announced.push(name) });
    assert.deepEqual(announced, [...metrics.keys()]);
    assert.equal(stats.lines, lines.length);
    assert.deepEqual(
      samples.map(({ metric: { name, type, contains }, time, value, tags }) => ({
        name,
        type,
        contains,
        time,
        value,
        tags,
      })),
      points.map(({ metric, data }) => {
        const { name, type, contains } = metrics.get(metric);
        return { name, type, contains, time: Math.floor(Date.parse(data.time)), value: data.value, tags: data.tags };
      }),
    );
    assert.deepEqual(samples, readPlainly(new TextDecoder().decode(bytes)));
  });
}

test("a metric has the thresholds of its announcement", async () => {
  const found: Metric[] = [];
  await read(recordedJson("basic"), { onMetric: (metric) => found.push(metric) });
  assert.deepEqual(
    found.filter(({ thresholds }) => thresholds !== undefined).map(({ name, thresholds }) => [name, thresholds]),
    [["http_req_duration", ["p(95)<500"]], ["login_ok", ["rate>0.5"]]],
  );
});

test("thresholds with abortOnFail are read like those without", async () => {
  const found: Metric[] = [];
  const thresholds = [{ threshold: "value<9", abortOnFail: true, delayAbortEval: "10s" }, "value>0", {
    abortOnFail: true,
  }];
  await read(`${announcement("vus", { thresholds })}\n`, { onMetric: (metric) => found.push(metric) });
  assert.deepEqual(found, [{ name: "vus", type: "gauge", contains: "default", thresholds: ["value<9", "value>0"] }]);
});

test("a chunk may end at any byte", async () => {
  const bytes = new TextEncoder().encode(`${point({ tags: '{"a":"ünï"}' })}\r\nhello\n\n${point({ value: "2.5" })}`);
  for (let size = 1; size < 60; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    const { samples, foreign, stats } = await read(chunks);
    assert.deepEqual(samples.map(({ value, tags }) => [value, tags]), [[1, { a: "ünï" }], [2.5, { a: "b" }]]);
    assert.deepEqual(foreign, ["hello", ""]);
    assert.equal(stats.lines, 4);
  }
});

test("samples with equal tags have the same tags object", async () => {
  const { samples } = await read(`${point()}\n${point({ tags: '{"c":"d"}' })}\n${point()}\n`);
  assert.equal(samples[0]?.tags, samples[2]?.tags);
  assert.notEqual(samples[0]?.tags, samples[1]?.tags);
});

const times: readonly [string, number][] = [
  ["2026-11-22T11:19:49Z", Date.UTC(2026, 10, 22, 11, 19, 49)],
  ["2026-11-22T11:19:49.1Z", Date.UTC(2026, 10, 22, 11, 19, 49, 100)],
  ["2026-11-22T11:19:49.123456789Z", Date.UTC(2026, 10, 22, 11, 19, 49, 123)],
  ["2026-11-22T11:19:49.999999999Z", Date.UTC(2026, 10, 22, 11, 19, 49, 999)],
  ["2026-11-22T13:19:49.5+02:00", Date.UTC(2026, 10, 22, 11, 19, 49, 500)],
  ["2026-11-22T00:19:49-03:30", Date.UTC(2026, 10, 22, 3, 49, 49)],
  ["2028-02-29T23:59:59.9996Z", Date.UTC(2028, 1, 29, 23, 59, 59, 999)],
  ["1969-12-31T23:59:59.5Z", -500],
];
for (const [time, ms] of times) {
  test(`the time ${time} is read in whole milliseconds`, async () => {
    assert.deepEqual((await read(point({ time }))).samples.map((sample) => sample.time), [ms]);
  });
}

const values: readonly [string, number][] = [
  ["0", 0],
  ["-0", -0],
  ["1.7615", 1.7615],
  ["-12.5", -12.5],
  ["0.1", 0.1],
  ["123456789012345", 123456789012345],
  ["0.30000000000000004", 0.30000000000000004],
  ["9007199254740993", 9007199254740992],
  ["1e+06", 1e6],
  ["5e-324", 5e-324],
];
for (const [text, value] of values) {
  test(`the value ${text} is read exactly`, async () => {
    assert.ok(Object.is((await read(point({ value: text }))).samples[0]?.value, value));
  });
}

const skipped: readonly [string, keyof K6ReadStats["skipped"]][] = [
  ["running (0m01.0s), 3/8 VUs", "foreign"],
  ['{"level":"info","msg":"x"}', "foreign"],
  ["[1]", "foreign"],
  [point().slice(0, -9) + "x\n", "malformed"],
  [point({ metric: "never_announced" }), "unknownMetric"],
  [point({ time: "yesterday" }), "invalidTime"],
  [point({ time: "2026-02-30T00:00:00Z" }), "invalidTime"],
  [point({ time: "2026-11-22T24:00:00Z" }), "invalidTime"],
  [point({ value: "null" }), "invalidValue"],
  [point({ value: '"1"' }), "invalidValue"],
  [point({ value: "1e999" }), "invalidValue"],
  [point({ value: "01" }), "malformed"],
  [point({ value: "1." }), "malformed"],
  [point({ tags: '{"a":{}}' }), "invalidTags"],
  [point({ tags: "[]" }), "invalidTags"],
  ['{"type":"Metric","data":{"name":"x","type":"summary"},"metric":"x"}', "malformed"],
];
for (const [line, reason] of skipped) {
  test(`${line.trim().slice(0, 90)} is counted as ${reason}`, async () => {
    const { samples, stats } = await read(`${line}\n${point()}\n`);
    assert.equal(samples.length, 1);
    assert.equal(stats.skipped[reason], line.endsWith("\n") && reason !== "malformed" ? 0 : 1);
    assert.equal(Object.values(stats.skipped).reduce((sum, count) => sum + count), 1);
  });
}

test("numbers of 400,000 digits are read, or counted as invalid", async () => {
  const line = (value: string): string =>
    `{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49Z","value":${value},"tags":{}}}\n`;
  const numbers = ["1", "9".repeat(400_000), `0.${"3".repeat(400_000)}`, `1${"0".repeat(100)}`, "2"];
  const reader = readK6Json(new Blob(numbers.map(line)).stream());
  const read: number[] = [];
  for await (const samples of reader) read.push(...samples.map(({ value }) => value));
  assert.deepEqual(read, [1, 1 / 3, 1e100, 2]);
  assert.equal(reader.stats.skipped.invalidValue, 1);
});

test("a last line without a line end is a sample if it is complete, and torn otherwise", async () => {
  assert.equal((await read(point())).samples.length, 1);
  for (let length = 1; length < point().length; length += 7) {
    const { samples, stats } = await read(`${point()}\n${point().slice(0, length)}`);
    assert.deepEqual([samples.length, stats.skipped.torn, stats.skipped.foreign], [1, 1, 0]);
  }
});

test("null and missing tags are empty, and metadata are not tags", async () => {
  const { samples } = await read(
    [
      point({ tags: "null" }),
      '{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49Z","value":1}}',
      point({ rest: ',"metadata":{"trace_id":"x","vu":1}' }),
      point({ rest: ',"metadata":{"trace_id":"y","vu":2}' }),
    ].join("\n"),
  );
  assert.deepEqual(samples.map(({ tags, metadata }) => [tags, metadata]), [
    [{}, undefined],
    [{}, undefined],
    [{ a: "b" }, { trace_id: "x", vu: "1" }],
    [{ a: "b" }, { trace_id: "y", vu: "2" }],
  ]);
  assert.equal(samples[2]?.tags, samples[3]?.tags);
});

const lookalikes: readonly string[] = [
  point({ tags: '{"a":"b","metadata":"x"}' }),
  point({ tags: '{"a":"b","metadata":"x"}', rest: ',"metadata":{"vu":1}' }),
  point({ rest: ',"tags":{"c":"d"}' }),
  point({ rest: ',"metadata":{"vu":1},"tags":{"c":"d"}' }),
  point({ rest: ',"tags":{"c":"d"},"metadata":{"vu":1}' }),
  point({ rest: ',"metadata":{"vu":1},"metadata":{"vu":2}' }),
  point({ rest: ',"metadata":{"vu":1},"value":7' }),
];
for (const line of lookalikes) {
  test(`after ${line.slice(line.indexOf('"tags"'))} equal JSON still means equal tags`, async () => {
    for (const first of [line, point()]) {
      for (const rest of ["", ',"metadata":{"vu":3}']) {
        const other = point({ tags: '{"a":"b","metadata":"y"}', rest });
        const text = [first, line, point().slice(0, -1), point({ rest }), line, other].join("\n");
        assert.deepEqual((await read(`${text}\n`)).samples, readPlainly(`${announcement("vus")}\n${text}`));
      }
    }
  });
}

function announcement(name: string, more: object = {}): string {
  return JSON.stringify({ type: "Metric", data: { name, type: "gauge", contains: "default", ...more }, metric: name });
}

test("a second announcement of a metric with another type replaces the first", async () => {
  const announce = (type: string): string =>
    `{"type":"Metric","data":{"name":"x","type":"${type}","contains":"default"},"metric":"x"}`;
  const { samples } = await read(
    [announce("counter"), point({ metric: "x" }), announce("gauge"), point({ metric: "x" })].join("\n"),
  );
  assert.deepEqual(samples.map(({ metric }) => metric.type), ["counter", "gauge"]);
});

test("a byte order mark and invalid UTF-8 do not stop the reading", async () => {
  const bytes = new TextEncoder().encode(`\ufeff${point()}\n\u0000\n${point({ tags: '{"a":"?"}' })}\n`);
  bytes[bytes.lastIndexOf(0x3f)] = 0xff;
  const { samples } = await read(bytes);
  assert.deepEqual(samples.map(({ tags }) => tags.a), ["b", "\ufffd"]);
});

test("a line of many megabytes is passed on in parts", async () => {
  const chunk = new Uint8Array(600_000).fill(0x78);
  const { foreign, samples } = await read([
    chunk,
    chunk,
    chunk,
    chunk,
    chunk,
    new TextEncoder().encode(`\n${point()}\n`),
  ]);
  assert.equal(foreign.join("").length, 3_000_000);
  assert.ok(foreign.every((part) => part.length <= 1_700_000));
  assert.equal(samples.length, 1);
});

test("the parts of a long line are distinguished from lines, and no character is cut", async () => {
  const long = `${"é".repeat(700_001)}${"z".repeat(400_000)}${point()}`;
  const bytes = new TextEncoder().encode(`a\n${long}\n${point()}\nb\n${long}`);
  for (const size of [65_537, 1_000_001]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    const lines = [""];
    const { samples, stats } = await read(chunks, {
      onForeignLine: (line, continues) => {
        lines.push((lines.pop() ?? "") + line);
        if (!continues) lines.push("");
      },
    });
    assert.ok(lines.join("\n") === `a\n${long}\nb\n${long}\n`);
    assert.deepEqual([samples.length, stats.lines, stats.skipped.foreign], [1, 5, 4]);
  }
});

test("a line of k6 that is longer than 1 MiB is counted as too long", async () => {
  const line = new TextEncoder().encode(`${point({ tags: `{"url":"${"x".repeat(3_000_000)}"}` })}\n${point()}\n`);
  const { samples, stats, foreign } = await read([line.slice(0, 1_500_000), line.slice(1_500_000)]);
  assert.deepEqual([samples.length, stats.lines, foreign], [1, 2, []]);
  assert.deepEqual([stats.skipped.tooLong, stats.skipped.malformed, stats.skipped.foreign], [1, 0, 0]);
});

test("the reader waits for the promises of onForeignLine, until the signal", async () => {
  const end = new AbortController();
  let pulls = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++;
      controller.enqueue(new TextEncoder().encode("hello\nworld\n"));
    },
  }, { highWaterMark: 0 });
  let take = (): void => {};
  const onForeignLine = (): Promise<void> => new Promise((resolve) => take = resolve);
  let ended = false;
  const reading = (async () => {
    for await (const _ of readK6Json(stream, { onForeignLine, signal: end.signal }));
    ended = true;
  })();
  await idle();
  assert.equal(pulls, 1);
  take();
  await idle();
  assert.equal(pulls, 1, "the first of the two promises is still pending");
  end.abort();
  await reading;
  assert.deepEqual([pulls, ended], [1, true]);
});

test("an error of onForeignLine ends the reading", async () => {
  const reading = read("hello\n", { onForeignLine: () => Promise.reject(new Error("no room")) });
  await assert.rejects(reading, /no room/);
});

test("an error of the stream is thrown after the samples before it", async () => {
  let pulls = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode(`${point()}\n`));
      else controller.error(new Error("disk on fire"));
    },
  });
  let samples = 0;
  await assert.rejects(async () => {
    for await (const batch of readK6Json(stream)) samples += batch.length;
  }, /disk on fire/);
  assert.equal(samples, 1);
});

test("the signal ends the reading", async () => {
  const end = new AbortController();
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode(`${point()}\n`));
    },
  });
  let samples = 0;
  for await (const batch of readK6Json(stream, { signal: end.signal })) {
    samples += batch.length;
    if (samples >= 5) end.abort();
  }
  assert.ok(samples >= 5);
});

test("the reader remembers a limited number of tags (on one runtime)", async () => {
  let line = 0;
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (line >= 200_000) return controller.close();
      const lines = Array.from({ length: 1000 }, () => point({ tags: `{"id":"${line++}${"x".repeat(100)}"}` }));
      controller.enqueue(encoder.encode(`${lines.join("\n")}\n`));
    },
  });
  const reader = new K6JsonReader(stream);
  let samples = 0;
  for await (const batch of reader) samples += batch.length;
  assert.equal(samples, 200_000);
  assert.ok(reader.tagsRemembered < 60_000, `${reader.tagsRemembered} tags are remembered`);
});

test("the fast reader returns the same samples as the plain one, for any lines", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 12 });
  const name = fc.oneof({ weight: 9, arbitrary: text }, fc.constantFrom("metadata", "tags"));
  const tags = fc.dictionary(name, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), { maxKeys: 4 });
  const line = fc.record({
    metric: fc.constantFrom("vus", "http_reqs", 'odd "name"', "unknown"),
    type: fc.constantFrom("Point", "Point", "Point", "Other"),
    time: fc.oneof(
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString()),
      fc.constantFrom("2026-11-22T11:19:49.285528009Z", "2026-11-22T11:19:49+01:00", "x", "2026-13-01T00:00:00Z"),
    ),
    value: fc.oneof(fc.double(), fc.integer(), fc.float(), fc.constant(null)),
    tags: fc.oneof(tags, fc.constant(null)),
    metadata: fc.option(tags, { nil: undefined }),
    spaces: fc.boolean(),
    cut: fc.nat({ max: 20 }),
  }).map(({ metric, type, spaces, cut, ...data }) => {
    const json = JSON.stringify({ metric, type, data }, undefined, spaces ? " " : "").replaceAll("\n", "");
    return cut === 1 ? json.slice(0, -1) : json;
  });
  const announced = ["vus", "http_reqs", 'odd "name"'].map((name) => announcement(name));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
      const input = [...announced, ...lines, ...lines].join("\n");
      assert.deepEqual((await read(`${input}\n`)).samples, readPlainly(input));
    }),
    { seed: 5, numRuns: slowRuns(300) },
  );
});

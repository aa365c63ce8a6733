// Runs on the newest Node, too: zlib.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { K6ReadOptions, K6ReadStats, Sample } from "../../../mod.ts";
import { readK6Json } from "../../../mod.ts";
import { AutoReader } from "../../../src/k6/read/auto_reader.ts";
import { byteStream, chunksOf, collect } from "../../support/byte_stream.ts";
import { recordedJson, startOfRecording } from "../../support/recorded_run.ts";

type Input = string | Uint8Array | readonly Uint8Array[];

async function read(
  input: Input,
  options: K6ReadOptions = {},
): Promise<{ samples: Sample[]; stats: K6ReadStats; foreign: string[]; start: string }> {
  const foreign: string[] = [];
  const reader = new AutoReader(byteStream(input), { onForeignLine: (line) => void foreign.push(line), ...options });
  return { samples: await collect(reader), stats: reader.stats, foreign, start: reader.start };
}

const readLines = (bytes: Uint8Array): Promise<Sample[]> => collect(readK6Json(byteStream(bytes)));

const lines = startOfRecording(300);
const objects: readonly unknown[] = lines.trimEnd().split("\n").map((line) => JSON.parse(line));
const expected = await readLines(new TextEncoder().encode(lines));

/** Returns UTF-16 with a byte order mark, or without it. */
function utf16(text: string, { bigEndian = false, mark = true } = {}): Uint8Array {
  const units = mark ? `\ufeff${text}` : text;
  const view = new DataView(new ArrayBuffer(units.length * 2));
  for (let at = 0; at < units.length; at++) view.setUint16(at * 2, units.charCodeAt(at), !bigEndian);
  return new Uint8Array(view.buffer);
}

const prefixed = (prefix: (index: number) => string): string =>
  lines.split(/(?<=\n)/).map((line, index) => prefix(index) + line).join("");

/** The same lines in the forms in which other programs leave them. */
const forms: Readonly<Record<string, string | Uint8Array>> = {
  "k6's own lines": lines,
  "a byte order mark": `\ufeff${lines}`,
  "the line ends of Windows": lines.replaceAll("\n", "\r\n"),
  "UTF-16 with a byte order mark (PowerShell)": utf16(lines.replaceAll("\n", "\r\n")),
  "big-endian UTF-16": utf16(lines, { bigEndian: true }),
  "UTF-16 without a mark": utf16(lines, { mark: false }),
  "a compact array (jq -cs)": JSON.stringify(objects),
  "a pretty-printed array (jq -s)": JSON.stringify(objects, undefined, 2),
  "pretty-printed objects (jq .)": objects.map((object) => `${JSON.stringify(object, undefined, 2)}\n`).join(""),
  "objects with spaces (Python)": objects.map((object) =>
    `${JSON.stringify(object, undefined, 1).replaceAll(/\n */g, " ")}\n`
  ).join(""),
  "an array with a byte order mark in UTF-16": utf16(JSON.stringify(objects, undefined, 2)),
  "docker compose logs": prefixed(() => "k6-1  | "),
  "docker compose logs with colours": prefixed(() => "\u001b[36mk6-1  | \u001b[0m"),
  "docker compose logs --timestamps": prefixed(() => "k6-1  | 2026-11-28T10:00:00.123456789Z "),
  "kubectl logs --timestamps": prefixed((index) => `2026-11-28T10:00:00.${123456789 + index}Z `),
  "kubectl logs --prefix": prefixed((index) => `[pod/k6-${index % 2}-abcde/k6] `),
};
for (const [form, input] of Object.entries(forms)) {
  test(`${form}: every sample is read, however the bytes arrive`, async () => {
    const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
    for (const size of [bytes.length, 1009, 61]) {
      const { samples, stats, foreign } = await read(chunksOf(bytes, size));
      assert.deepEqual(samples, expected);
      assert.deepEqual(foreign, []);
      assert.equal(Object.values(stats.skipped).reduce((sum, count) => sum + count), 0);
      assert.deepEqual([stats.samples, stats.bytes], [expected.length, bytes.length]);
    }
  });
}

test("CSV is recognised by its header, also after what k6 prints, and its metrics are those of the option", async () => {
  const csv = gunzipSync(readFileSync("tests/fixtures/k6/basic/run.csv.gz"));
  const { samples, stats } = await read(csv);
  assert.deepEqual([samples.length, stats.lines, stats.bytes], [4525, 5178, csv.length]);
  const printed = readFileSync("tests/fixtures/inputs/csv_stdout.txt");
  const metrics = [{ name: "orders", type: "counter", contains: "default" }] as const;
  for (const size of [1, 50, 100_000]) {
    const { samples, stats, foreign } = await read(chunksOf(printed, size), { metrics });
    assert.deepEqual([samples.length, stats.unknownMetrics], [34, ["waiting", "size", "stock", "ok"]]);
    assert.equal(foreign.find((line) => line !== ""), "         /\\      Grafana   /‾‾/  ");
  }
});

test("what k6 prints before its first line is passed on before that line comes", async () => {
  let pulls = 0;
  const chunks = ["  execution: local\n\n", `${lines}`];
  const seen: string[] = [];
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls === 1) assert.deepEqual(seen, ["  execution: local", ""]);
      const chunk = chunks[pulls++];
      if (chunk === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  }, { highWaterMark: 0 });
  const samples = await collect(new AutoReader(stream, { onForeignLine: (line) => void seen.push(line) }));
  assert.equal(samples.length, expected.length);
});

test("a container's other lines are foreign, and a line of k6 that its log cut is damaged", async () => {
  const [first = "", second = "", ...rest] = prefixed(() => "k6-1  | ").split(/(?<=\n)/);
  const input = ["db-1  | ready\n", first, 'db-1  | {"level":"info"}\n', `${second.slice(0, 60)}\n`, ...rest].join("");
  const { stats, foreign } = await read(input);
  assert.deepEqual(foreign, ["db-1  | ready", 'db-1  | {"level":"info"}']);
  assert.deepEqual([stats.skipped.foreign, stats.skipped.malformed], [2, 1]);
});

test("a message that quotes one of k6's lines is foreign", async () => {
  const message = `time="2026-11-28" level=info msg=${lines.split("\n", 2)[1]} source=console`;
  const { samples, foreign } = await read(`${message}\n${lines}`);
  assert.deepEqual([samples.length, foreign], [expected.length, [message]]);
});

test("text between pretty-printed objects is foreign, and a damaged object costs only itself", async () => {
  const pretty = objects.map((object) => `${JSON.stringify(object, undefined, 2)}\n`);
  const damaged = pretty.toSpliced(5, 1, pretty[5]?.slice(0, 150) ?? "", "\n", "jq: error, [at] 3\n");
  const { samples, stats, foreign } = await read(`reading ...\n${damaged.join("")}`);
  assert.equal(samples.length, expected.length - 1);
  assert.deepEqual([stats.skipped.malformed, foreign], [1, ["reading ..."]]);
  const cut = await read(pretty.join("").slice(0, -100));
  assert.deepEqual([cut.samples.length, cut.stats.skipped.torn], [expected.length - 1, 1]);
});

test("times in the form of k6's cloud are read", async () => {
  const point = (time: unknown): string =>
    JSON.stringify({ type: "Point", metric: "vus", data: { time, type: "gauge", tags: {}, value: 1 } });
  const { samples } = await read(`[${point("1795885568960751")},${point(1795885568960)}]`);
  assert.deepEqual(samples.map(({ time }) => time), [1795885568960, 1795885568960]);
});

test("a unit that is not known counts as none", async () => {
  const announced = '{"type":"Metric","data":{"name":"x","type":"trend","contains":"percent"},"metric":"x"}';
  const { samples } = await read(
    `${announced}\n{"metric":"x","type":"Point","data":{"time":"2026-11-28T10:00:00Z","value":1}}\n`,
  );
  assert.deepEqual(samples[0]?.metric, { name: "x", type: "trend", contains: "default" });
});

test("points without their Metric line are named, and the option metrics makes their types known", async () => {
  const input = readFileSync("tests/fixtures/inputs/jq_only_points.json");
  const unknown = await read(input);
  assert.deepEqual([unknown.samples.length, unknown.stats.unknownMetrics], [1, ["orders"]]);
  const known = await read(input, { metrics: [{ name: "orders", type: "counter", contains: "default" }] });
  assert.deepEqual([known.samples.length, known.stats.unknownMetrics], [2, []]);
});

test("bytes that are not UTF-8 are counted with the samples that hold them", async () => {
  const line = (tag: string): string =>
    `{"metric":"vus","type":"Point","data":{"time":"2026-11-28T10:00:00Z","value":1,"tags":{"a":"${tag}"}}}\n`;
  const bytes = new TextEncoder().encode(`?\n${line("?")}${line("\ufffd")}${line("ok")}`);
  for (const [index, byte] of bytes.entries()) if (byte === 0x3f) bytes[index] = 0xff;
  const { samples, stats } = await read(bytes);
  assert.deepEqual(samples.map(({ tags }) => tags.a), ["\ufffd", "\ufffd", "ok"]);
  assert.equal(stats.invalidUtf8, 1);
});

test("inputs that are almost nothing hold no sample", async () => {
  for (const input of ["", "\n", "{", "[", "[]", "{}", "\ufeff", "m", "metric_name,timestamp,metric_value\n"]) {
    const { samples, start } = await read(input);
    assert.deepEqual([samples, start], [[], input.replace("\ufeff", "")]);
  }
});

test("an error of the stream is thrown after the samples before it, in every form", async () => {
  const csv = gunzipSync(readFileSync("tests/fixtures/k6/basic/run.csv.gz"));
  for (const input of [new TextEncoder().encode(lines), new TextEncoder().encode(JSON.stringify(objects)), csv]) {
    const whole = await read(input);
    let pulls = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(input);
        else controller.error(new Error("disk on fire"));
      },
    }, { highWaterMark: 0 });
    let samples = 0;
    await assert.rejects(async () => {
      for await (const batch of new AutoReader(stream)) samples += batch.length;
    }, /disk on fire/);
    assert.equal(samples, whole.samples.length);
  }
});

test("after the signal, the rest of a line is not damaged, and the source is cancelled", async () => {
  for (const input of [lines, JSON.stringify(objects), "metric_name,timestamp,metric_value\nvus,1,1.0\nvus,1,2"]) {
    const end = new AbortController();
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode(input.slice(0, -1))),
      cancel: () => void (cancelled = true),
    });
    const reader = new AutoReader(stream, { signal: end.signal });
    for await (const _ of reader) end.abort();
    const { torn, malformed } = reader.stats.skipped;
    assert.deepEqual([torn, malformed, cancelled], [0, 0, true]);
  }
});

test("the recorded run is read as by the reader of JSON lines", async () => {
  const bytes = recordedJson("basic");
  assert.deepEqual((await read(chunksOf(bytes, 65_536))).samples, await readLines(bytes));
});

/** Lines of k6 that its messages cut are joined, wherever the cut is, and the messages stay whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readK6Json } from "../../../src/k6/read/k6_json.ts";
import { type K6ReadStats, noSkips } from "../../../src/k6/read/k6_reader.ts";
import type { Sample } from "../../../src/k6/sample.ts";
import { recordedPipe } from "../../support/recorded_run.ts";

interface Reading {
  readonly samples: Sample[];
  /** The lines that are not from k6's JSON. */
  readonly screen: string[];
  readonly stats: K6ReadStats;
}

async function read(...parts: (string | Uint8Array<ArrayBuffer>)[]): Promise<Reading> {
  const screen: string[] = [];
  const reader = readK6Json(new Blob(parts).stream(), { onForeignLine: (line) => void screen.push(line) });
  const samples: Sample[] = [];
  for await (const batch of reader) samples.push(...batch);
  return { samples, screen, stats: reader.stats };
}

/** Returns a point as k6 writes it, with a tag of two bytes for each character. */
function point(value: number, page = "é"): string {
  const data = { time: "2026-11-28T12:18:43.683564284Z", value, tags: { group: "::a", page } };
  return `${JSON.stringify({ metric: "http_reqs", type: "Point", data })}\n`;
}

const announcement =
  '{"type":"Metric","data":{"name":"bytes_up","type":"counter","contains":"data","thresholds":[],"submetrics":null},"metric":"bytes_up"}\n';

test("a recorded pipe of k6 loses no sample, and k6's blocks are whole", async () => {
  const { samples, screen, stats } = await read(recordedPipe());
  assert.equal(samples.length, 5177);
  assert.deepEqual({ ...stats.skipped, foreign: 0 }, noSkips());
  // The counts that k6's summary shows.
  const total = (name: string): number =>
    samples.filter(({ metric }) => metric.name === name).reduce((sum, { value }) => sum + value, 0);
  assert.deepEqual([total("http_reqs"), total("iterations"), total("orders_placed")], [373, 205, 121]);
  const blocks = screen.flatMap((line, at) => line.startsWith("running (") ? [screen.slice(at - 1, at + 4)] : []);
  assert.equal(blocks.length, 7);
  for (const [before, , browse, buy, after] of blocks.slice(0, 6)) {
    assert.deepEqual([before, browse?.slice(0, 10), buy?.slice(0, 10), after], ["", "browse   [", "buy      [", ""]);
  }
  assert.deepEqual(screen.filter((line) => /"metric"|\}$/.test(line)), []);
});

const log = 'time="2026-11-28T16:58:41Z" level=info msg="a \\"b\\" {}" source=console\n';
const block = "\nrunning (04.0s), 3/8 VUs, 134 complete and 0 interrupted iterations\nbuy      [  67% ] 0/5 VUs\n";
const messages: readonly (readonly [title: string, message: string])[] = [
  ["a block of progress", block],
  ["a line of the log", log],
  ["a line of the log as JSON", '{"level":"info","msg":"hello","source":"console"}\n'],
  ["a line of the log as on a terminal", "INFO[0001] hello      source=console\n"],
  ["a block of progress and a line of the log", `${block}${log}`],
  ["two lines of the log", `${log}${log}`],
];
for (const [title, message] of messages) {
  test(`${title} cuts a line at any byte: every sample is read, and the message is whole`, async () => {
    const bytes = new TextEncoder().encode(`${point(1)}${announcement}${point(2).replace("http_reqs", "bytes_up")}`);
    for (let at = 0; at <= bytes.length; at++) {
      const { samples, screen, stats } = await read(bytes.slice(0, at), message, bytes.slice(at));
      assert.deepEqual(samples.map(({ value, tags }) => [value, tags.page]), [[1, "é"], [2, "é"]], `at ${at}`);
      assert.deepEqual([stats.skipped.malformed, stats.skipped.torn], [0, 0]);
      // If the cut is just before a line end, that line end follows the message.
      assert.equal(screen.join("\n").trim(), message.trim(), `at ${at}`);
    }
  });
}

test("two blocks cut a long line", async () => {
  const line = point(1, "x".repeat(9000));
  const { samples, stats } = await read(line.slice(0, 4000), block, line.slice(4000, 8096), block, line.slice(8096));
  assert.deepEqual([samples.map(({ tags }) => tags.page?.length), stats.skipped.malformed], [[9000], 0]);
});

test("a line whose rest never comes is damaged; messages that look like the beginning of a line are shown", async () => {
  const damaged = await read(point(1).slice(0, 50), block, point(2), '"}}}\n', block);
  assert.deepEqual([damaged.samples.map(({ value }) => value), damaged.stats.skipped.malformed], [[2], 1]);
  assert.deepEqual(damaged.screen, [...block.split("\n").slice(0, -1), '"}}}', ...block.split("\n").slice(0, -1)]);
  const summary = '{\n  "root_group": {\n    "name": ""\n  }\n}\n{\n';
  const { screen, stats } = await read(point(1), summary, point(2), summary);
  assert.equal(screen.map((line) => `${line}\n`).join(""), summary + summary);
  assert.equal(stats.skipped.foreign, 12);
});

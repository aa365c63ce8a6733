/** Changes k6's files at random. The readers must neither fail nor hang, and count every line. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readK6Csv, readK6Json } from "../../../mod.ts";
import { AutoReader } from "../../../src/k6/read/auto_reader.ts";
import { byteStream, chunksOf, collect } from "../../support/byte_stream.ts";
import { mutate, Random } from "../../support/mutate.ts";
import { startOfRecording } from "../../support/recorded_run.ts";
import { slowRuns } from "../../support/runs.ts";

const encoder = new TextEncoder();
const lines = startOfRecording(40);
const objects: readonly unknown[] = lines.trimEnd().split("\n").map((line) => JSON.parse(line));
const csv = gunzipSync(readFileSync("tests/fixtures/k6/basic/run.csv.gz")).toString().split(/(?<=\n)/, 60).join("");

/** What is changed, and how many samples it holds. */
const seeds: readonly (readonly [input: Uint8Array, samples: number])[] = ([
  [encoder.encode(lines), 23],
  [encoder.encode(JSON.stringify(objects)), 23],
  [encoder.encode(objects.map((object) => `${JSON.stringify(object, undefined, 2)}\n`).join("")), 23],
  [encoder.encode(lines.replaceAll(/^/gm, "k6-1  | ")), 23],
  [encoder.encode(csv), 55],
  [readFileSync("tests/fixtures/k6/csv/rfc3339_nano.csv"), 30],
  [readFileSync("tests/fixtures/inputs/csv_stdout.txt"), 30],
  [readFileSync("tests/fixtures/inputs/utf16le_powershell.json"), 1],
  [readFileSync("tests/fixtures/inputs/handle_summary.json"), 0],
  [readFileSync("tests/fixtures/inputs/dashboard.ndjson"), 0],
] as const).map(([input, samples]) => [new Uint8Array(input), samples] as const);

const rounds = slowRuns(1200);

for (const [index, [input, count]] of seeds.entries()) {
  test(`input ${index} with random changes: the other samples are still read`, async () => {
    const random = new Random(1300 + index);
    const others = seeds.map(([other]) => other);
    assert.equal((await collect(new AutoReader(byteStream(input)))).length, count);
    let kept = 0;
    for (let round = 0; round < rounds; round++) {
      const changed = mutate(input, { random, others });
      const chunks = chunksOf(changed, 1 + random.below(2 * changed.length + 1));
      const reader = new AutoReader(byteStream(chunks));
      const samples = await collect(reader);
      const { stats } = reader;
      assert.ok(samples.every(({ time, value }) => Number.isSafeInteger(time) && Number.isFinite(value)));
      assert.deepEqual([stats.bytes, stats.samples], [changed.length, samples.length]);
      const skipped = Object.values(stats.skipped).reduce((sum, each) => sum + each);
      assert.ok(stats.samples + skipped <= stats.lines, "more samples than lines");
      // The readers of one form must survive the other forms, too.
      await collect(readK6Json(byteStream(chunks)));
      await collect(readK6Csv(byteStream(chunks)));
      kept += samples.length;
    }
    // Some changes cut off the rest.
    if (count > 1) assert.ok(kept >= rounds * count * 0.5, `${kept} of ${rounds * count} samples were read`);
  });
}

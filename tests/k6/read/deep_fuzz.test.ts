// Runs on one runtime: the readers are plain code, which fuzz.test.ts runs on each runtime.
/** Reads many mutations of small files of k6, as scripts/fuzz_decoder.ts decodes many mutations of requests. See `fuzz`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readK6Csv, readK6Json } from "../../../mod.ts";
import { AutoReader } from "../../../src/k6/read/auto_reader.ts";
import type { K6Reader, K6ReadOptions } from "../../../src/k6/read/k6_reader.ts";
import { byteStream, chunksOf, collect } from "../../support/byte_stream.ts";
import { fuzz, type Fuzzing } from "../../support/fuzz.ts";
import { startOfRecording } from "../../support/recorded_run.ts";

const encoder = new TextEncoder();
const lines = startOfRecording(60).trimEnd().split("\n");
const nano = readFileSync("tests/fixtures/k6/csv/rfc3339_nano.csv", "utf8").split(/(?<=\n)/);

const json = Array.from({ length: 20 }, (_, index) => lines.slice(3 * index, 3 * index + 3));
const jsonForms = json.flatMap((group) => [
  group.map((line) => `${line}\n`).join(""),
  `[${group.join(",")}]`,
  group.map((line) => `${JSON.stringify(JSON.parse(line), undefined, 2)}\n`).join(""),
  group.map((line) => `k6-1  | ${line}\r\n`).join(""),
]).map((text) => encoder.encode(text));
const utf16 = new Uint8Array(readFileSync("tests/fixtures/inputs/utf16le_powershell.json"));
// The header with some rows; row 6 has line breaks within quotes.
const csvForms = [1, 4, 7, 10, 13, 16, 19, 22, 25, 28].map((from) =>
  encoder.encode(`${nano[0] ?? ""}${nano.slice(from, from + 3).join("")}`)
);

type Read = (stream: ReadableStream<Uint8Array>, options: K6ReadOptions) => K6Reader;

function reading(own: Read): Fuzzing["read"] {
  return async (bytes, random) => {
    const chunks = chunksOf(bytes, 1 + random.below(2 * bytes.length + 1));
    const read = random.below(2) === 0
      ? own
      : (stream: ReadableStream<Uint8Array>, options: K6ReadOptions) => new AutoReader(stream, options);
    const reader = read(byteStream(chunks), {});
    const samples = await collect(reader);
    assert.ok(samples.every(({ time, value }) => Number.isSafeInteger(time) && Number.isFinite(value)), "not finite");
    const { stats } = reader;
    assert.equal(stats.samples, samples.length);
    const skipped = Object.values(stats.skipped).reduce((sum, each) => sum + each);
    assert.ok(stats.samples + skipped <= stats.lines, "more samples than lines");
    return samples.length > 0 ? "samples" : "no sample";
  };
}

for (
  const [name, seeds, read] of [["JSON", [...jsonForms, utf16], readK6Json], ["CSV", csvForms, readK6Csv]] as const
) {
  test(`mutated ${name} is read, or counted as skipped`, async () => {
    const found = await fuzz({ seeds, count: 1500, read: reading(read) });
    assert.ok((found.get("samples") ?? 0) > 0 && (found.get("no sample") ?? 0) > 0);
  });
}

/**
 * Reads k6's results in any form that people have them in: JSON lines, JSON arrays or pretty-printed JSON, and CSV, each in UTF-8 or
 * UTF-16. The content says which form it is.
 *
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";
import type { Sample } from "../sample.ts";
import { ByteSource } from "./byte_source.ts";
import { JsonValueLines } from "./json_values.ts";
import { csvHeaderStart, K6CsvReader } from "./k6_csv.ts";
import { K6JsonReader } from "./k6_json.ts";
import { beginsAsK6, findAfterPrefix } from "./k6_json_line.ts";
import { type K6Reader, type K6ReadOptions, type K6ReadStats, noSkips, skipReasons } from "./k6_reader.ts";

/** A form in which k6's results come: one JSON object per line, other JSON, or CSV. */
type Form = "lines" | "values" | "csv";

/** The bytes of a line that are enough to recognise its form. */
const recognisedBytes = 512;

/** A line of so many bytes is not one of k6's first lines. */
const maxHeldBytes = 64 * 1024;

const newline = 0x0a;
const decoder = new TextDecoder();

/** Reads k6's results; see the module. It can be iterated once. */
export class AutoReader implements K6Reader {
  readonly #source: ByteSource;
  readonly #options: K6ReadOptions;
  readonly #readers: K6Reader[] = [];
  #form: Form | undefined;

  /** Creates a reader, which reads nothing before it is iterated. @param stream the bytes, not compressed */
  constructor(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}) {
    this.#source = new ByteSource(stream);
    this.#options = options;
  }

  /** Counts of what was read so far. */
  get stats(): K6ReadStats {
    const all = this.#readers.map(({ stats }) => stats);
    const skipped = noSkips();
    for (const stats of all) for (const reason of skipReasons) skipped[reason] += stats.skipped[reason];
    return {
      bytes: this.#source.bytes,
      lines: all.reduce((sum, { lines }) => sum + lines, 0),
      samples: all.reduce((sum, { samples }) => sum + samples, 0),
      skipped,
      unknownMetrics: [...new Set(all.flatMap(({ unknownMetrics }) => unknownMetrics))],
      invalidUtf8: all.reduce((sum, { invalidUtf8 }) => sum + invalidUtf8, 0),
    };
  }

  /** The first 4 KiB of the input, to tell what it is if it holds no sample. */
  get start(): string {
    return this.#source.start;
  }

  /** Reads until the end of the stream, its first error, or the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Sample[], void, undefined> {
    // The JSON reader passes foreign lines on without waiting, such as what k6 prints before its first sample.
    yield* this.#read(new K6JsonReader(this.#unrecognised(), this.#options));
    if (this.#form === "csv") {
      yield* this.#read(new K6CsvReader(this.#source.stream(), this.#options));
    } else if (this.#form === "values") {
      const values = new JsonValueLines();
      yield* this.#read(new K6JsonReader(this.#source.stream((chunk) => values.convert(chunk)), this.#options));
    }
  }

  #read(reader: K6Reader): AsyncIterable<readonly Sample[]> {
    this.#readers.push(reader);
    return reader;
  }

  /** Returns the bytes up to where another form than JSON lines begins. */
  #unrecognised(): ReadableStream<Uint8Array> {
    let held = new Uint8Array();
    return this.#source.stream((chunk, isLast) => {
      if (this.#form !== undefined) return chunk;
      const bytes = concatBytes([held, chunk]);
      const { form, at } = recognise(bytes, isLast);
      this.#form = form;
      if (form === "lines" || isLast && form === undefined) return bytes;
      held = bytes.slice(at);
      if (form === undefined) return bytes.subarray(0, at);
      this.#source.unread(held);
      return { last: bytes.subarray(0, at) };
    });
  }
}

/** Returns the form of the first lines of k6 and where they begin; or where the first line begins that is not complete. */
function recognise(bytes: Uint8Array, isLast: boolean): { readonly form?: Form; readonly at: number } {
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf(newline, at);
    const isComplete = lineEnd >= 0 || isLast;
    const end = lineEnd >= 0 ? lineEnd : bytes.length;
    const form = formOf(decoder.decode(bytes.subarray(at, Math.min(end, at + recognisedBytes))), isComplete);
    if (form !== undefined) return { form, at };
    if (!isComplete) return bytes.length - at > maxHeldBytes ? { form: "lines", at } : { at };
    at = end + 1;
  }
  return { at: bytes.length };
}

function formOf(line: string, isComplete: boolean): Form | undefined {
  if (line.startsWith(csvHeaderStart)) return "csv";
  if (/^\s*\[\s*\{/.test(line) || isComplete && /^\s*[[{]\s*$/.test(line)) return "values";
  return beginsAsK6(line) || findAfterPrefix(line) >= 0 ? "lines" : undefined;
}

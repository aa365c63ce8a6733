/**
 * Reads k6's CSV output (`k6 run -o csv=...`) in constant memory.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/csv/
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";
import type { Sample, Tags } from "../sample.ts";
import { readCsvRow } from "./csv_row.ts";
import { CsvColumns, fixedColumns, metadataOf, type TagsAndMetadata } from "./csv_tags.ts";
import { ForeignLines } from "./foreign_lines.ts";
import { MetricTable } from "./metric_table.ts";
import {
  checkReading,
  chunksOf,
  type K6Reader,
  type K6ReadOptions,
  type K6ReadStats,
  maxBatch,
  maxLineBytes,
  noSkips,
} from "./k6_reader.ts";
import { parseTimeMs } from "./unix_time.ts";

/** The beginning of the header. The columns after it depend on the run's system tags. */
export const csvHeaderStart = "metric_name,timestamp,metric_value";

/** The tags of so many rows are remembered, then all of them are forgotten. */
const maxRemembered = 20_000;

const newline = 0x0a;
const lenientDecoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads k6's CSV output, with times of every resolution that k6 writes. CSV holds no types: samples of metrics that are neither k6's
 * own nor those of the option `metrics` are skipped, and `stats.unknownMetrics` names the metrics. Other lines, and rows before the
 * header, are counted in `stats`, and are not errors. If the stream fails, the reader first yields the samples before the failure,
 * and then throws the stream's error.
 *
 * @param stream the bytes, not compressed
 * @returns batches of samples
 * @example
 * ```ts
 * import { readK6Csv } from "k6-remote-write";
 *
 * const rows = "metric_name,timestamp,metric_value,status,extra_tags,metadata\nhttp_reqs,1795346389,1.000000,200,team=web,\n";
 * const reader = readK6Csv(new Blob([rows]).stream());
 * for await (const samples of reader) console.log(samples.length);
 * console.log(reader.stats.unknownMetrics);
 * ```
 */
export function readK6Csv(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}): K6Reader {
  checkReading("CSV", stream, options);
  return new K6CsvReader(stream, options);
}

/** Reads k6's CSV output; see `readK6Csv`. It can be iterated once. */
export class K6CsvReader implements K6Reader {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #options: K6ReadOptions;
  readonly #metrics: MetricTable;
  readonly #skipped = noSkips();
  #columns: CsvColumns | undefined;
  #bytes = 0;
  #lines = 0;
  #samples = 0;
  #invalidUtf8 = 0;
  #batch: Sample[] = [];
  /** Whether the bytes that are read now are not all UTF-8. */
  #isDamaged = false;
  /** The rest of a line that is too long is skipped up to its end. */
  #skipsLine = false;
  readonly #foreignLines: ForeignLines;
  // Thousands of rows in a row have the same time, and few combinations of tags.
  #lastTime = "";
  #lastTimeMs: number | undefined;
  readonly #tags = new Map<string, Tags>();

  /** Creates a reader, which reads nothing before it is iterated. @param stream the bytes, not compressed */
  constructor(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    this.#foreignLines = new ForeignLines(options.onForeignLine);
    this.#metrics = new MetricTable(options.metrics);
  }

  /** Counts of what was read so far. */
  get stats(): K6ReadStats {
    return {
      bytes: this.#bytes,
      lines: this.#lines,
      samples: this.#samples,
      skipped: { ...this.#skipped },
      unknownMetrics: this.#metrics.unknownNames,
      invalidUtf8: this.#invalidUtf8,
    };
  }

  /** Reads until the end of the stream, its first error, or the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Sample[], void, undefined> {
    const { signal } = this.#options;
    let rest: Uint8Array[] = [];
    let restBytes = 0;
    // A row whose quotes are still open at the end of the lines so far.
    let open = "";
    for await (const value of chunksOf(this.#stream, signal)) {
      this.#bytes += value.length;
      const end = value.lastIndexOf(newline) + 1;
      if (end > 0) {
        const text = open + this.#decode([...rest, value.subarray(0, end)]);
        open = yield* this.#readRows(text, false);
        [rest, restBytes] = [[], 0];
      }
      if (end < value.length) {
        // A copy, because the stream's owner may use the chunk again.
        rest.push(value.slice(end));
        restBytes += value.length - end;
      }
      if (restBytes > maxLineBytes) {
        if (!this.#skipsLine) this.#skipped.tooLong++;
        this.#skipsLine = true;
        [rest, restBytes] = [[], 0];
      }
      if (this.#batch.length > 0) yield this.#take();
      await this.#foreignLines.settled(signal);
    }
    // After the signal, the rest of the row is only not read.
    if (signal?.aborted !== true) yield* this.#readRows(open + this.#decode(rest), true);
    if (this.#batch.length > 0) yield this.#take();
    await this.#foreignLines.settled(signal);
  }

  #take(): readonly Sample[] {
    const batch = this.#batch;
    this.#samples += batch.length;
    this.#batch = [];
    return batch;
  }

  /** Decodes bytes that end with a line end, or with the stream. */
  #decode(parts: readonly Uint8Array[]): string {
    const [first = new Uint8Array()] = parts;
    const bytes = parts.length > 1 ? concatBytes(parts) : first;
    try {
      return strictDecoder.decode(bytes);
    } catch {
      this.#isDamaged = true;
      return lenientDecoder.decode(bytes);
    }
  }

  /** Reads the rows of a string. Returns the row at its end whose quotes are open. */
  *#readRows(text: string, isLast: boolean): Generator<readonly Sample[], string, undefined> {
    let from = 0;
    if (this.#skipsLine) {
      from = text.indexOf("\n") + 1;
      if (from === 0) from = text.length;
      else this.#lines++;
      this.#skipsLine = isLast;
    }
    while (from < text.length) {
      const row = this.#readRow(text, from, isLast);
      if (row < 0) return text.slice(from);
      from = row;
      if (this.#batch.length >= maxBatch) yield this.#take();
    }
    this.#isDamaged = false;
    return "";
  }

  /** Reads the row at a position. Returns where the next row begins; -1 if its quotes are open and the rest of it may follow. */
  #readRow(text: string, from: number, isLast: boolean): number {
    const lineEnd = text.indexOf("\n", from);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const line = text.slice(from, text[end - 1] === "\r" && end > from ? end - 1 : end);
    const isTorn = isLast && lineEnd < 0;
    if (!line.includes('"')) {
      this.#lines++;
      this.#readLine(line, isTorn);
      return end + 1;
    }
    const row = readCsvRow(text, from);
    const isOpen = row === "open" && !isLast && text.length - from <= maxLineBytes;
    if (isOpen && this.#startsRow(line)) return -1;
    this.#lines++;
    if (typeof row === "object" && this.#isRow(row.fields)) {
      this.#readFields(row.fields);
      return row.next;
    }
    // After a damaged row, the next line may be a row again.
    this.#skip(line, isTorn);
    return end + 1;
  }

  /** Reads a line without quotes. */
  #readLine(line: string, isTorn: boolean): void {
    const columns = this.#columns;
    const timeAt = line.indexOf(",") + 1;
    const valueAt = line.indexOf(",", timeAt) + 1;
    const tagsAt = line.indexOf(",", valueAt) + 1;
    const metadataAt = columns?.endsWithMetadata === true ? line.lastIndexOf(",") : line.length;
    if (timeAt > 0 && valueAt > 0 && tagsAt > 0 && metadataAt >= tagsAt) {
      const tags = this.#tags.get(line.slice(tagsAt, metadataAt));
      if (tags !== undefined) {
        const metadata = line.slice(metadataAt + 1);
        this.#add(line.slice(0, timeAt - 1), line.slice(timeAt, valueAt - 1), line.slice(valueAt, tagsAt - 1), {
          tags,
          ...metadata !== "" && { metadata: metadataOf(metadata) },
        });
        return;
      }
    }
    const fields = line.split(",");
    if (!this.#isRow(fields)) return this.#skip(line, isTorn);
    const tags = this.#readFields(fields);
    if (tags === undefined) return;
    if (this.#tags.size >= maxRemembered) this.#tags.clear();
    this.#tags.set(line.slice(tagsAt, metadataAt), tags);
  }

  #isRow(fields: readonly string[]): boolean {
    return fields.length === this.#columns?.length || isHeader(fields);
  }

  /** Reads a row. Returns its tags, or undefined for a header: several files in one stream have a header each. */
  #readFields(fields: readonly string[]): Tags | undefined {
    if (this.#columns === undefined || isHeader(fields)) {
      this.#columns = new CsvColumns(fields);
      this.#tags.clear();
      return undefined;
    }
    const [name = "", time = "", value = ""] = fields;
    const found = this.#columns.tagsOf(fields.slice(fixedColumns));
    this.#add(name, time, value, found);
    return found.tags;
  }

  #add(name: string, time: string, value: string, { tags, metadata }: TagsAndMetadata): void {
    const metric = this.#metrics.find(name);
    if (metric === undefined) return void this.#skipped.unknownMetric++;
    if (time !== this.#lastTime) {
      this.#lastTime = time;
      this.#lastTimeMs = parseTimeMs(time);
    }
    const timeMs = this.#lastTimeMs;
    if (timeMs === undefined) return void this.#skipped.invalidTime++;
    // Go writes infinity as +Inf.
    if (!/^-?\d+(?:\.\d+)?$/.test(value)) return void this.#skipped.invalidValue++;
    if (this.#isDamaged && JSON.stringify([tags, metadata]).includes("\ufffd")) this.#invalidUtf8++;
    const sample = { metric, time: timeMs, value: Number(value), tags };
    this.#batch.push(metadata === undefined ? sample : { ...sample, metadata });
  }

  /** Reports whether a line is the beginning of a row, which has a time in its second field. */
  #startsRow(line: string): boolean {
    const [, time = ""] = line.split(",", 2);
    return this.#columns !== undefined && parseTimeMs(time) !== undefined;
  }

  #skip(line: string, isTorn: boolean): void {
    if (this.#startsRow(line)) {
      this.#skipped[isTorn ? "torn" : "malformed"]++;
      return;
    }
    // An empty line does not count, but it is part of k6's messages.
    if (line !== "") this.#skipped.foreign++;
    this.#foreignLines.pass(line, false);
  }
}

function isHeader([name, time, value]: readonly string[]): boolean {
  return `${name},${time},${value}` === csvHeaderStart;
}

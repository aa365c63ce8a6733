/**
 * Reads k6's JSON output (`k6 run -o json=...`) in constant memory.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/json/
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";
import { beforeMessage, CutLine, type StreamLine } from "./cut_line.ts";
import { ForeignLines } from "./foreign_lines.ts";
import { beginsAsK6, findAfterPrefix, type K6Line, readK6Line } from "./k6_json_line.ts";
import { MetricTable } from "./metric_table.ts";
import { PointReader } from "./point_reader.ts";
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

const newline = 0x0a;
const brace = 0x7b;
const lineEnd = Uint8Array.of(newline);
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads k6's JSON output. It also reads lines of k6 after a prefix, as `docker compose logs` and `kubectl logs --timestamps` write
 * them. Other lines are counted in `stats`, and are not errors. If the stream fails, the reader first yields
 * the samples before the failure, and then throws the stream's error.
 *
 * @param stream the bytes, not compressed
 * @returns batches of samples; equal tags are the same object
 * @example
 * ```ts
 * import { readK6Json } from "k6-remote-write";
 *
 * const line = '{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49Z","value":3,"tags":{}}}\n';
 * const reader = readK6Json(new Blob([line]).stream());
 * for await (const samples of reader) console.log(samples.length);
 * console.log(reader.stats.lines);
 * ```
 */
export function readK6Json(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}): K6Reader {
  checkReading("JSON", stream, options);
  return new K6JsonReader(stream, options);
}

/** Reads k6's JSON output; see `readK6Json`. It can be iterated once. */
export class K6JsonReader implements K6Reader {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #options: K6ReadOptions;
  readonly #points = new PointReader();
  readonly #metrics: MetricTable;
  readonly #decoder = new TextDecoder();
  readonly #skipped = noSkips();
  #bytes = 0;
  #lines = 0;
  #samples = 0;
  #invalidUtf8 = 0;
  #batch: Sample[] = [];
  readonly #cut = new CutLine();
  /** The kind of the long line whose first parts were already passed on. */
  #longLine: "foreign" | "tooLong" | undefined;
  /** Whether a line of k6 had a prefix. */
  #hasPrefix = false;
  readonly #foreignLines: ForeignLines;

  /** Creates a reader, which reads nothing before it is iterated. @param stream the bytes, not compressed */
  constructor(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    this.#foreignLines = new ForeignLines(options.onForeignLine);
    this.#metrics = new MetricTable(options.metrics);
    for (const metric of this.#metrics.all()) this.#points.setMetric(metric);
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

  /** The number of remembered tags, which is bounded. */
  get tagsRemembered(): number {
    return this.#points.tagsRemembered;
  }

  /** Reads until the end of the stream, its first error, or the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Sample[], void, undefined> {
    const { signal } = this.#options;
    let rest: Uint8Array = new Uint8Array(0);
    for await (const value of chunksOf(this.#stream, signal)) {
      this.#bytes += value.length;
      const bytes = rest.length === 0 ? value : concatBytes([rest, value]);
      this.#points.setBytes(bytes);
      let from = 0;
      for (let next = this.#readLine(bytes, from); next > from; next = this.#readLine(bytes, from)) {
        from = next;
        if (this.#batch.length >= maxBatch) yield this.#take();
      }
      if (bytes.length - from > maxLineBytes) {
        this.#readPart(bytes.subarray(from), true);
        from = bytes.length;
      }
      // A copy, so that the chunk can be freed, or reused by the stream's owner.
      rest = bytes.slice(from);
      if (this.#batch.length > 0) yield this.#take();
      await this.#foreignLines.settled(signal);
    }
    // The end of the file may have cut off a line without a line end. After the signal, the rest of the line is only not read.
    if (signal?.aborted !== true && (rest.length > 0 || this.#longLine !== undefined)) {
      const line = concatBytes([rest, lineEnd]);
      this.#points.setBytes(line);
      this.#readLine(line, 0, true);
    }
    this.#show(this.#cut.end());
    if (this.#batch.length > 0) yield this.#take();
    await this.#foreignLines.settled(signal);
  }

  #take(): readonly Sample[] {
    const batch = this.#batch;
    this.#samples += batch.length;
    this.#batch = [];
    return batch;
  }

  /** Reads one line. Returns the beginning of the next line, or `from` if the line's end is missing. */
  #readLine(bytes: Uint8Array, from: number, last = false): number {
    // The rest of a long line is not a line of its own, even if it looks like one.
    if (this.#longLine === undefined && this.#readPoint(from)) return this.#points.next;
    const newlineAt = bytes.indexOf(newline, from);
    if (newlineAt < 0) return from;
    if (this.#hasPrefix && this.#longLine === undefined) {
      const prefixBytes = bytes.subarray(from, newlineAt).indexOf(brace);
      if (prefixBytes > 0 && this.#readPoint(from + prefixBytes)) return this.#points.next;
    }
    this.#lines++;
    const end = bytes[newlineAt - 1] === 0x0d && newlineAt > from ? newlineAt - 1 : newlineAt;
    if (this.#longLine === undefined) this.#readPlain(bytes.subarray(from, end), last);
    else this.#readPart(bytes.subarray(from, end), false);
    return newlineAt + 1;
  }

  #readPoint(from: number): boolean {
    const sample = this.#points.read(from);
    if (sample === undefined) return false;
    this.#lines++;
    this.#batch.push(sample);
    return true;
  }

  #readPlain(bytes: Uint8Array, last: boolean): void {
    const string = this.#decoder.decode(bytes);
    const inStream: StreamLine = { bytes, string, number: this.#lines };
    const line = this.#parse(inStream);
    if (line.kind === "sample") {
      if (string.includes("\ufffd") && !isUtf8(bytes)) this.#invalidUtf8++;
      this.#batch.push(line.sample);
    } else if (line.kind === "metric") {
      this.#metrics.set(line.metric);
      this.#points.setMetric(line.metric);
      this.#options.onMetric?.(line.metric);
    } else if (last && (line.reason === "malformed" || isTornStart(string))) {
      this.#skipped.torn++;
    } else if (line.reason === "malformed" || (line.reason === "foreign" && isTornStart(beforeMessage(string)))) {
      this.#skipped[line.reason]++;
      this.#show(this.#cut.begin(inStream, line.reason === "foreign"));
    } else if (line.reason === "foreign") {
      // An empty line does not count, but it is part of k6's messages.
      if (bytes.length > 0) this.#skipped.foreign++;
      this.#show(this.#cut.skip(inStream));
    } else {
      this.#skipped[line.reason]++;
    }
  }

  /** Reads a line, or the whole line if this is the rest of one that was cut. */
  #parse(inStream: StreamLine): K6Line {
    const line = this.#parseString(inStream.string);
    if (!isUnreadable(line)) return line;
    for (const { string, message } of this.#cut.candidates(inStream)) {
      const joined = this.#parseString(string);
      if (isUnreadable(joined)) continue;
      // The beginning was counted as a line by itself.
      this.#skipped[this.#cut.isMessage ? "foreign" : "malformed"]--;
      if (message !== "") this.#foreignLines.pass(message, false);
      this.#cut.join();
      return joined;
    }
    return line;
  }

  #parseString(string: string): K6Line {
    const find = (name: string): Metric | undefined => this.#metrics.find(name);
    const at = beginsAsK6(string) ? -1 : findAfterPrefix(string);
    if (at < 0) return readK6Line(string, find);
    const line = readK6Line(string.slice(at), find);
    if (line.kind !== "skipped") this.#hasPrefix = true;
    // A line that only quotes one of k6's lines is foreign.
    return this.#hasPrefix || line.kind !== "skipped" ? line : { kind: "skipped", reason: "foreign" };
  }

  #readPart(bytes: Uint8Array, continues: boolean): void {
    // A part may end within a character.
    const part = this.#decoder.decode(bytes, { stream: continues });
    if (this.#longLine === undefined) {
      const isOfK6 = beginsAsK6(part) || (this.#hasPrefix && findAfterPrefix(part) >= 0);
      this.#longLine = isOfK6 ? "tooLong" : "foreign";
      this.#skipped[this.#longLine]++;
    }
    if (this.#longLine === "foreign") this.#foreignLines.pass(part, continues);
    if (!continues) this.#longLine = undefined;
  }

  #show(lines: readonly string[]): void {
    for (const line of lines) this.#foreignLines.pass(line, false);
  }
}

function isUnreadable(line: K6Line): boolean {
  return line.kind === "skipped" && (line.reason === "foreign" || line.reason === "malformed");
}

/** Reports whether a line may be the first bytes of one of k6's lines. */
function isTornStart(line: string): boolean {
  return line !== "" && ['{"metric":', '{"type":'].some((start) => start.startsWith(line));
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads k6's JSON output (`k6 run -o json=...`) in constant memory.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/json/
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";
import { concat } from "./concat.ts";
import { beforeMessage, CutLine, type StreamLine } from "./cut_line.ts";
import { k6Metrics } from "./k6_metrics.ts";
import { beginsAsK6, type K6Line, readK6Line, type SkipReason } from "./k6_json_line.ts";
import { PointReader } from "./point_reader.ts";

/** How to read k6's JSON output. */
export interface K6JsonOptions {
  /**
   * Receives each line that is not one of k6's lines, without its line end. (If k6 writes its JSON and its messages to one pipe,
   * these are the messages.) A line of more than 1 MiB is passed in parts; `continues` is true for all parts but the last. If the
   * function returns a promise, the reader waits for it.
   * @default foreign lines are only counted
   */
  readonly onForeignLine?: ((line: string, continues: boolean) => void | Promise<void>) | undefined;
  /** Receives each metric when k6 announces it. @default none */
  readonly onMetric?: ((metric: Metric) => void) | undefined;
  /** Ends the reading. The samples before are still yielded. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Counts of what was read so far. */
export interface K6JsonStats {
  /** Bytes of the stream. */
  readonly bytes: number;
  /** Lines, including empty ones. */
  readonly lines: number;
  /** Samples that were yielded. */
  readonly samples: number;
  /** Lines without a sample, by reason. Announcements of metrics and empty lines do not count. */
  readonly skipped: Readonly<Record<SkipReason, number>>;
}

/** The reader does not buffer longer lines: it passes foreign ones on in parts, and counts others as damaged. */
const maxLineBytes = 1024 * 1024;

/**
 * The largest number of samples that are yielded together. It is small, so that the samples can be freed soon: with 2000, V8
 * enlarges its space for young objects until a long replay takes 70 MB more.
 */
const maxBatch = 100;

const newline = 0x0a;
const lineEnd = Uint8Array.of(newline);

/**
 * Reads k6's JSON output. Other lines are counted in `stats`, and are not errors. If the stream fails, the reader first yields
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
export function readK6Json(stream: ReadableStream<Uint8Array>, options: K6JsonOptions = {}): K6JsonReader {
  return new K6JsonReader(stream, options);
}

/** Reads k6's JSON output; see `readK6Json`. It can be iterated once. */
export class K6JsonReader implements AsyncIterable<readonly Sample[]> {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #options: K6JsonOptions;
  readonly #points = new PointReader();
  readonly #metrics = new Map<string, Metric>();
  readonly #decoder = new TextDecoder();
  readonly #skipped: Record<SkipReason, number> = {
    foreign: 0,
    torn: 0,
    malformed: 0,
    unknownMetric: 0,
    invalidTime: 0,
    invalidValue: 0,
    invalidTags: 0,
  };
  #bytes = 0;
  #lines = 0;
  #samples = 0;
  #batch: Sample[] = [];
  readonly #cut = new CutLine();
  /** The kind of the long line whose first parts were already passed on. */
  #longLine: "foreign" | "malformed" | undefined;
  /** What `onForeignLine` returned since the last wait. */
  readonly #foreignLines: Promise<void>[] = [];

  /** Prepares the reading. @param stream the bytes, not compressed */
  constructor(stream: ReadableStream<Uint8Array>, options: K6JsonOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    for (const metric of Object.values(k6Metrics)) this.#points.setMetric(metric);
    for (const metric of Object.values(k6Metrics)) this.#metrics.set(metric.name, metric);
  }

  /** Counts of what was read so far. */
  get stats(): K6JsonStats {
    return { bytes: this.#bytes, lines: this.#lines, samples: this.#samples, skipped: { ...this.#skipped } };
  }

  /** The number of remembered tags, which is bounded. */
  get tagsRemembered(): number {
    return this.#points.tagsRemembered;
  }

  /** Reads until the end of the stream, its first error, or the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Sample[], void, undefined> {
    const { signal } = this.#options;
    const reader = this.#stream.getReader();
    const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {});
    signal?.addEventListener("abort", cancel, { once: true });
    let rest: Uint8Array = new Uint8Array(0);
    try {
      while (signal?.aborted !== true) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#bytes += value.length;
        const bytes = rest.length === 0 ? value : concat(rest, value);
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
        await settled(this.#foreignLines.splice(0), signal);
      }
      // The end of the file may have cut off a line without a line end.
      if (rest.length > 0 || this.#longLine !== undefined) {
        const line = concat(rest, lineEnd);
        this.#points.setBytes(line);
        this.#readLine(line, 0, true);
      }
      this.#show(this.#cut.end());
      if (this.#batch.length > 0) yield this.#take();
      await settled(this.#foreignLines.splice(0), signal);
    } finally {
      signal?.removeEventListener("abort", cancel);
      await reader.cancel().catch(() => {});
    }
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
    const sample = this.#longLine === undefined ? this.#points.read(from) : undefined;
    if (sample !== undefined) {
      this.#lines++;
      this.#batch.push(sample);
      return this.#points.next;
    }
    const newlineAt = bytes.indexOf(newline, from);
    if (newlineAt < 0) return from;
    this.#lines++;
    const end = bytes[newlineAt - 1] === 0x0d && newlineAt > from ? newlineAt - 1 : newlineAt;
    if (this.#longLine === undefined) this.#readPlain(bytes, from, end, last);
    else this.#readPart(bytes.subarray(from, end), false);
    return newlineAt + 1;
  }

  #readPlain(bytes: Uint8Array, from: number, end: number, last: boolean): void {
    const read = bytes.subarray(from, end);
    const string = this.#decoder.decode(read);
    const inStream: StreamLine = { bytes: read, string, number: this.#lines };
    const line = this.#parse(inStream);
    if (line.kind === "sample") {
      this.#batch.push(line.sample);
    } else if (line.kind === "metric") {
      this.#metrics.set(line.metric.name, line.metric);
      this.#points.setMetric(line.metric);
      this.#options.onMetric?.(line.metric);
    } else if (last && (line.reason === "malformed" || isTornStart(string))) {
      this.#skipped.torn++;
    } else if (line.reason === "malformed" || (line.reason === "foreign" && isTornStart(beforeMessage(string)))) {
      this.#skipped[line.reason]++;
      this.#show(this.#cut.begin(inStream, line.reason === "foreign"));
    } else if (line.reason === "foreign") {
      // An empty line does not count, but it is part of k6's messages.
      if (end > from) this.#skipped.foreign++;
      this.#show(this.#cut.skip(inStream));
    } else {
      this.#skipped[line.reason]++;
    }
  }

  /** Reads a line, or the whole line if this is the rest of one that was cut. */
  #parse(inStream: StreamLine): K6Line {
    const metricOf = (name: string): Metric | undefined => this.#metrics.get(name);
    const line = readK6Line(inStream.string, metricOf);
    if (!isUnreadable(line)) return line;
    for (const { string, message } of this.#cut.candidates(inStream)) {
      const joined = readK6Line(string, metricOf);
      if (isUnreadable(joined)) continue;
      // The beginning was counted as a line by itself.
      this.#skipped[this.#cut.isMessage ? "foreign" : "malformed"]--;
      if (message !== "") this.#passOn(message, false);
      this.#cut.join();
      return joined;
    }
    return line;
  }

  #readPart(bytes: Uint8Array, continues: boolean): void {
    // A part may end within a character.
    const part = this.#decoder.decode(bytes, { stream: continues });
    if (this.#longLine === undefined) {
      this.#longLine = beginsAsK6(part) ? "malformed" : "foreign";
      this.#skipped[this.#longLine]++;
    }
    if (this.#longLine === "foreign") this.#passOn(part, continues);
    if (!continues) this.#longLine = undefined;
  }

  #show(lines: readonly string[]): void {
    for (const line of lines) this.#passOn(line, false);
  }

  #passOn(line: string, continues: boolean): void {
    const written = this.#options.onForeignLine?.(line, continues);
    // A caller that writes several lines together may return the same promise for them.
    if (written !== undefined && written !== this.#foreignLines.at(-1)) this.#foreignLines.push(written);
  }
}

/** Waits for all promises, or for the signal. Rejects if one of them rejects. */
async function settled(promises: readonly Promise<void>[], signal: AbortSignal | undefined): Promise<void> {
  if (promises.length === 0 || signal?.aborted === true) return;
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => stop = resolve);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([Promise.all(promises), stopped]);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function isUnreadable(line: K6Line): boolean {
  return line.kind === "skipped" && (line.reason === "foreign" || line.reason === "malformed");
}

/** Reports whether a line may be the first bytes of one of k6's lines. */
function isTornStart(line: string): boolean {
  return line !== "" && ['{"metric":', '{"type":'].some((start) => start.startsWith(line));
}

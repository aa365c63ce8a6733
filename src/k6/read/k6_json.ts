/**
 * Reads k6's JSON output (`k6 run -o json=...`), of any length in constant memory.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/json/
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";
import { k6Metrics } from "./k6_metrics.ts";
import { beginsAsK6, readK6Line, type SkipReason } from "./k6_json_line.ts";
import { PointReader } from "./k6_json_point.ts";

/** How to read. */
export interface K6JsonOptions {
  /**
   * Takes each line that is not k6's, without its end: what k6 itself prints, where both come through one pipe. A line of more than
   * 1 MiB comes in parts, all but the last of which `continues`. Where it returns a promise, no more is read until that resolves.
   */
  readonly onForeignLine?: ((line: string, continues: boolean) => void | Promise<void>) | undefined;
  /** Takes each metric when it is announced. */
  readonly onMetric?: ((metric: Metric) => void) | undefined;
  /** Ends the reading; what was read before is yielded. */
  readonly signal?: AbortSignal | undefined;
}

/** What was read so far. */
export interface K6JsonStats {
  /** Bytes, before anything is made of them. */
  readonly bytes: number;
  /** Lines, empty ones included. */
  readonly lines: number;
  /** Samples. */
  readonly samples: number;
  /** Lines that gave no sample, by reason: not k6's; cut off at the end of the file; damaged; or with something unreadable. */
  readonly skipped: Readonly<Record<SkipReason, number>>;
}

/** Longer lines, in bytes, are not held to be read: they are handed on in parts, or are damaged ones of k6's. */
const maxLineBytes = 1024 * 1024;

/**
 * Samples that are yielded at once, at most. Few, so that they die young: with 2000, V8 makes room for its young objects until
 * a long replay takes 70 MB more.
 */
const maxBatch = 100;

const newline = 0x0a;
const lineEnd = Uint8Array.of(newline);

/**
 * Reads k6's JSON output. Lines that are not k6's are tolerated and counted; the stream's own errors are thrown, after what
 * came before was yielded.
 *
 * @param stream the bytes, not compressed
 * @returns batches of samples; tags with the same text are the same object
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

/** Samples of k6's JSON output; see `readK6Json`. To be iterated once. */
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
  /** What the line is of which parts were let go already. */
  #longLine: "foreign" | "malformed" | undefined;
  readonly #handedOn: Promise<void>[] = [];

  /** Reads nothing yet. @param stream the bytes, not compressed */
  constructor(stream: ReadableStream<Uint8Array>, options: K6JsonOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    for (const metric of Object.values(k6Metrics)) this.#points.setMetric(metric);
    for (const metric of Object.values(k6Metrics)) this.#metrics.set(metric.name, metric);
  }

  /** What was read so far. */
  get stats(): K6JsonStats {
    return { bytes: this.#bytes, lines: this.#lines, samples: this.#samples, skipped: { ...this.#skipped } };
  }

  /** How many texts of tags are remembered, to find them again; bounded. */
  get tagsRemembered(): number {
    return this.#points.tagsRemembered;
  }

  /** Reads to the end, the first error of the stream, or the signal. */
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
        // A copy, so that the chunk can be let go of, or written to again by who gave it.
        rest = bytes.slice(from);
        if (this.#batch.length > 0) yield this.#take();
        await settled(this.#handedOn.splice(0), signal);
      }
      // A line without an end may be one that the end of the file cut off.
      if (rest.length > 0 || this.#longLine !== undefined) {
        const line = concat(rest, lineEnd);
        this.#points.setBytes(line);
        this.#readLine(line, 0, true);
      }
      if (this.#batch.length > 0) yield this.#take();
      await settled(this.#handedOn.splice(0), signal);
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

  /** Returns where the line after it begins, or `from` if its end is not there. */
  #readLine(bytes: Uint8Array, from: number, last = false): number {
    // The rest of a long line is none of its own, whatever it looks like.
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
    const text = this.#decoder.decode(bytes.subarray(from, end));
    const line = readK6Line(text, (name) => this.#metrics.get(name));
    if (line.kind === "sample") {
      this.#batch.push(line.sample);
    } else if (line.kind === "metric") {
      this.#metrics.set(line.metric.name, line.metric);
      this.#points.setMetric(line.metric);
      this.#options.onMetric?.(line.metric);
    } else if (last && (line.reason === "malformed" || isTornStart(text))) {
      this.#skipped.torn++;
    } else if (line.reason === "foreign") {
      // An empty line says nothing, but belongs to what is printed.
      if (end > from) this.#skipped.foreign++;
      this.#handOn(text, false);
    } else {
      this.#skipped[line.reason]++;
    }
  }

  #readPart(bytes: Uint8Array, continues: boolean): void {
    // A part may end within a character.
    const text = this.#decoder.decode(bytes, { stream: continues });
    if (this.#longLine === undefined) {
      this.#longLine = beginsAsK6(text) ? "malformed" : "foreign";
      this.#skipped[this.#longLine]++;
    }
    if (this.#longLine === "foreign") this.#handOn(text, continues);
    if (!continues) this.#longLine = undefined;
  }

  #handOn(line: string, continues: boolean): void {
    const taken = this.#options.onForeignLine?.(line, continues);
    // Those who write several lines at once may return the same promise for them.
    if (taken !== undefined && taken !== this.#handedOn.at(-1)) this.#handedOn.push(taken);
  }
}

/** Waits for all of them, or for the signal; rejects with the first that does. */
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

/** Whether a line was cut off so early that it could be anything of k6's. */
function isTornStart(text: string): boolean {
  return text !== "" && ['{"metric":', '{"type":'].some((start) => start.startsWith(text));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

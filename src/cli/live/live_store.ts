/**
 * The series that the live page and the reports show, with their points. The command and the page both have one: the command fills
 * its store with what arrives, and sends each change to the page.
 *
 * The memory is limited. If the points need too much of it, the time resolution is halved, and only the newest point of each step is
 * kept. Values are totals since the start, so a coarser resolution loses no total.
 *
 * @module
 */
import type { HistogramValue, Label, Metadata, TimeSeries } from "../../model/time_series.ts";
import { familyOf, metadataOf, MetadataStore } from "../../protocol/metadata_store.ts";
import { type LongTexts, seriesKey } from "../../receive/series_key.ts";
import { ChunkWriter, forEachPoint, type LiveChunk, type LivePoint } from "./live_chunk.ts";

/** The limits of a store. */
export interface LiveLimits {
  /**
   * How long points are kept, in milliseconds: points that are older than the newest one of their series by more than this, and series
   * that got no point for this time, are removed.
   */
  readonly retentionMs: number;
  /** How much memory series and points may take, in bytes (estimated). */
  readonly maxBytes: number;
}

/** A series with its points, which are sorted by time. */
export class LiveSeries {
  readonly id: number;
  /** The value of the label `__name__`. */
  readonly name: string;
  /** The other labels. */
  readonly labels: readonly Label[];
  /** The times in milliseconds. Only the first `length` elements of the columns are points. */
  times: Float64Array = new Float64Array(4);
  /** The values; NaN is a staleness marker. The value of a histogram is its count. */
  values: Float64Array = new Float64Array(4);
  /** The histograms by the index of their point; undefined for a series of floats. */
  histograms: (HistogramValue | undefined)[] | undefined;
  length = 0;
  /** When the newest point arrived, by the clock, in milliseconds. */
  arrivedMs: number = -Infinity;
  /** Whether older points were removed. The first point is then no start. */
  isCut = false;

  constructor(id: number, { name, labels }: { readonly name: string; readonly labels: readonly Label[] }) {
    this.id = id;
    this.name = name;
    this.labels = labels;
  }

  /** Returns the value of a label, or "". */
  label(name: string): string {
    return this.labels.find((label) => label.name === name)?.value ?? "";
  }

  /** Returns the index of the first point after a time. */
  indexAfter(time: number): number {
    const { times } = this;
    let [low, high] = [0, this.length];
    // Most callers ask for one of the newest points.
    for (let tries = 4; tries > 0 && high > 0; tries--) {
      if ((times[high - 1] ?? 0) <= time) return high;
      high--;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What a series takes, without its labels and points, in bytes. */
const seriesBytes = 400;
/** What a point of a column takes, in bytes. */
const pointBytes = 16;
/** The first resolution: flushes are usually at least this far apart. */
const firstResolutionMs = 500;
/** Longer strings are truncated. Nobody reads them, and a page would have to show them. */
const maxTextLength = 2000;

/** Holds series within limits. */
export class LiveStore {
  /** The series by their number. */
  readonly series: Map<number, LiveSeries> = new Map();
  readonly metadata: MetadataStore = new MetadataStore({ maxLength: 1_000_000 });
  /** The time of the newest point, in milliseconds; -Infinity if there is none. */
  newestMs: number = -Infinity;
  /** The distance of two points that are both kept, in milliseconds; 0 if all points are kept. */
  resolutionMs = 0;
  /** How many samples had a new series for which there was no room. */
  refusedSamples = 0;
  /** How many series were removed because all of their points were too old. */
  removedSeries = 0;
  /** The number of the next series. */
  nextId = 0;
  /** The estimated memory, in bytes. */
  bytes = 0;
  /** The time of the oldest point since the last call of `takeOldestChange`. */
  #oldestChangeMs = Infinity;
  readonly #limits: LiveLimits;
  readonly #now: () => number;
  /** The clock's time at the present call. */
  #nowMs = -Infinity;
  /** The series by the `seriesKey` of their labels. */
  readonly #byKey = new Map<number, LiveSeries>();
  /** The part of the memory that series without their points take. */
  #labelBytes = 0;
  /** The series by the list of their labels. */
  readonly #byList = new WeakMap<readonly Label[], LiveSeries>();
  #trimmedMs = -Infinity;
  #trimmedAtMs = -Infinity;
  #changes: ChunkWriter | undefined;

  /** @param now the clock, which decides which series are no longer sent */
  constructor(limits: LiveLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** The limits of this store. */
  get limits(): LiveLimits {
    return this.#limits;
  }

  /** Adds the series of a request, or of a flush. */
  add(timeSeries: readonly TimeSeries[], metadata?: ReadonlyMap<string, Metadata>): void {
    this.#nowMs = this.#now();
    for (const [family, meaning] of metadata ?? []) this.#addFamily(family, meaning);
    const longTexts: LongTexts = new Map();
    for (const { labels, samples = [], histograms = [], metadata } of timeSeries) {
      const series = this.#find(labels, metadata, longTexts);
      if (series === undefined) {
        this.refusedSamples += samples.length + histograms.length;
        continue;
      }
      for (const { timestamp, value, stale } of samples) {
        this.#change(series, { time: Number(timestamp), value: stale === true ? NaN : value });
      }
      for (const { timestamp, stale, ...histogram } of histograms) {
        const time = Number(timestamp);
        this.#change(series, stale === true ? { time, value: NaN } : { time, value: histogram.count, histogram });
      }
    }
    this.#limit();
  }

  /** Adds what another store sent. */
  apply(chunk: LiveChunk): void {
    this.#nowMs = this.#now();
    for (const [name, type, help, unit] of chunk.families) this.metadata.add(name, { type, help, unit });
    for (const [id, ...texts] of chunk.series) {
      if (this.series.has(id)) continue;
      const labels: Label[] = [];
      for (let at = 0; at < texts.length; at += 2) labels.push({ name: texts[at] ?? "", value: texts[at + 1] ?? "" });
      this.#open(id, labels);
    }
    forEachPoint(chunk, (id, time, value, histogram) => {
      const series = this.series.get(id);
      if (series !== undefined) this.#append(series, time, value, histogram);
    });
    this.#limit();
  }

  /** Begins to collect changes, or stops it. */
  set collectsChanges(isOn: boolean) {
    this.#changes = isOn ? this.#changes ?? new ChunkWriter() : undefined;
  }

  /** Returns the changes since the last call as a line of JSON; undefined if there are none. */
  takeChanges(): string | undefined {
    const changes = this.#changes;
    if (changes === undefined || changes.isEmpty) return undefined;
    this.#changes = new ChunkWriter();
    return changes.toJson();
  }

  /**
   * Yields everything, in lines of JSON of about `maxPoints` points.
   *
   * @param options stepMs: the distance of the points, if it should be larger than in the store
   */
  *snapshot(
    { maxPoints = 50_000, stepMs = 0 }: { readonly maxPoints?: number; readonly stepMs?: number } = {},
  ): Generator<string, void, undefined> {
    let chunk = new ChunkWriter();
    for (const [family, metadata] of this.metadata.all) chunk.addFamily(family, metadata);
    for (const series of [...this.series.values()]) {
      chunk.series.push(definitionOf(series));
      let step = NaN;
      for (let at = series.length - 1, kept: LivePoint[] = []; at >= 0; at--) {
        const time = series.times[at] ?? 0;
        const isKept = stepMs === 0 || Math.floor(time / stepMs) !== step;
        step = Math.floor(time / stepMs);
        if (isKept) kept.push({ time, value: series.values[at] ?? NaN, histogram: series.histograms?.[at] });
        if (at > 0) continue;
        for (const point of kept.reverse()) chunk.addPoint(series.id, point);
        kept = [];
      }
      if (chunk.length < maxPoints) continue;
      yield chunk.toJson();
      chunk = new ChunkWriter();
    }
    if (!chunk.isEmpty) yield chunk.toJson();
  }

  /** Returns the time of the oldest point that was added since the last call; Infinity if there is none. */
  takeOldestChange(): number {
    const time = this.#oldestChangeMs;
    this.#oldestChangeMs = Infinity;
    return time;
  }

  /** The number of points. */
  get points(): number {
    let points = 0;
    for (const { length } of this.series.values()) points += length;
    return points;
  }

  /** Returns the metadata of a series, or of its family. */
  metadataOf(name: string): Metadata | undefined {
    return metadataOf(name, this.metadata.all);
  }

  #addFamily(family: string, metadata: Metadata): void {
    const added = this.metadata.add(family, metadata);
    if (added !== undefined) this.#changes?.addFamily(family, added);
  }

  #find(labels: readonly Label[], metadata: Metadata | undefined, longTexts: LongTexts): LiveSeries | undefined {
    // A command passes the same list again, so that no key is needed.
    const cached = this.#byList.get(labels);
    if (cached !== undefined && this.series.has(cached.id)) return cached;
    const found = this.#findByKey(labels, metadata, longTexts);
    if (found !== undefined) this.#byList.set(labels, found);
    return found;
  }

  #findByKey(labels: readonly Label[], metadata: Metadata | undefined, longTexts: LongTexts): LiveSeries | undefined {
    const key = seriesKey(labels, longTexts);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    // Half of the memory remains for points.
    if (this.#labelBytes > this.#limits.maxBytes / 2) return undefined;
    const name = labels.find((label) => label.name === "__name__")?.value ?? "";
    if (metadata !== undefined) this.#addFamily(familyOf(name, metadata.type), metadata);
    const series = this.#open(this.nextId, labels);
    this.#byKey.set(key, series);
    this.#changes?.series.push(definitionOf(series));
    return series;
  }

  #open(id: number, labels: readonly Label[]): LiveSeries {
    const name = cut(labels.find((label) => label.name === "__name__")?.value ?? "");
    const others = labels.filter((label) => label.name !== "__name__");
    const series = new LiveSeries(id, {
      name,
      labels: others.map((label) => ({ name: cut(label.name), value: cut(label.value) })),
    });
    this.series.set(id, series);
    this.nextId = Math.max(this.nextId, id + 1);
    this.#labelBytes += bytesOf(series);
    this.bytes += bytesOf(series) + pointBytes * series.times.length;
    return series;
  }

  #change(series: LiveSeries, point: LivePoint): void {
    if (!Number.isFinite(point.time)) return;
    this.#append(series, point.time, point.value, point.histogram);
    this.#changes?.addPoint(series.id, point);
  }

  #append(series: LiveSeries, time: number, value: number, histogram: HistogramValue | undefined): void {
    let at = series.length;
    const last = at === 0 ? -Infinity : series.times[at - 1] ?? 0;
    const step = this.resolutionMs;
    if (time === last || step > 0 && time > last && Math.floor(time / step) === Math.floor(last / step)) {
      at--;
      this.bytes -= histogramBytes(series.histograms?.[at]);
    } else {
      if (time < last) {
        at = series.indexAfter(time);
        // Time passes in one direction: a sender that repeats a sample changes nothing.
        if (at > 0 && series.times[at - 1] === time) return;
      }
      this.#makeRoom(series, at);
    }
    series.times[at] = time;
    series.values[at] = value;
    series.arrivedMs = this.#nowMs;
    if (histogram !== undefined) series.histograms ??= new Array(series.length);
    if (series.histograms !== undefined) series.histograms[at] = histogram;
    this.bytes += histogramBytes(histogram);
    if (time > this.newestMs) this.newestMs = time;
    if (time < this.#oldestChangeMs) this.#oldestChangeMs = time;
  }

  #makeRoom(series: LiveSeries, at: number): void {
    const { length, times, values } = series;
    if (length === times.length) {
      series.times = grown(times);
      series.values = grown(values);
      this.bytes += pointBytes * length;
    }
    if (at < length) {
      series.times.copyWithin(at + 1, at, length);
      series.values.copyWithin(at + 1, at, length);
      series.histograms?.splice(at, 0, undefined);
    }
    series.length++;
  }

  #limit(): void {
    const { retentionMs, maxBytes } = this.#limits;
    // A replay gets the points of hours in a moment.
    const progressMs = Math.max(this.#nowMs - this.#trimmedAtMs, this.newestMs - this.#trimmedMs);
    if (progressMs > retentionMs / 20) {
      [this.#trimmedMs, this.#trimmedAtMs] = [this.newestMs, this.#nowMs];
      this.#removeOld(retentionMs);
    }
    // Resolutions of more than a day make no points fewer.
    while (this.bytes > maxBytes && this.resolutionMs < 86_400_000) {
      this.resolutionMs = Math.max(firstResolutionMs, this.resolutionMs * 2);
      for (const series of this.series.values()) this.#thin(series);
    }
  }

  #removeOld(retentionMs: number): void {
    for (const series of this.series.values()) {
      if (this.#nowMs - series.arrivedMs > retentionMs) {
        this.#remove(series);
        continue;
      }
      const first = series.indexAfter((series.times[series.length - 1] ?? 0) - retentionMs);
      if (first > 0) {
        this.#keep(
          series,
          Array.from({ length: series.length - first }, (_, index) => first + index),
          true,
        );
      }
    }
    if (this.#byKey.size <= this.series.size) return;
    for (const [key, { id }] of this.#byKey) if (!this.series.has(id)) this.#byKey.delete(key);
  }

  #thin(series: LiveSeries): void {
    const step = (at: number): number => Math.floor((series.times[at] ?? 0) / this.resolutionMs);
    const kept: number[] = [];
    for (let at = 0; at < series.length; at++) {
      if (at === series.length - 1 || step(at) !== step(at + 1)) kept.push(at);
    }
    if (kept.length < series.length) this.#keep(series, kept, series.isCut);
  }

  /** Keeps the points with these indices. */
  #keep(series: LiveSeries, kept: readonly number[], isCut: boolean): void {
    this.#release(series);
    const capacity = Math.max(4, kept.length + (kept.length >> 2));
    const [times, values] = [new Float64Array(capacity), new Float64Array(capacity)];
    for (const [to, from] of kept.entries()) {
      times[to] = series.times[from] ?? 0;
      values[to] = series.values[from] ?? 0;
    }
    const histograms = series.histograms && kept.map((at) => series.histograms?.[at]);
    Object.assign(series, { times, values, histograms, length: kept.length, isCut });
    this.bytes += pointBytes * capacity;
    for (const histogram of histograms ?? []) this.bytes += histogramBytes(histogram);
  }

  #remove(series: LiveSeries): void {
    this.#release(series);
    this.#labelBytes -= bytesOf(series);
    this.bytes -= bytesOf(series);
    this.series.delete(series.id);
    this.removedSeries++;
  }

  #release({ times, histograms }: LiveSeries): void {
    this.bytes -= pointBytes * times.length;
    for (const histogram of histograms ?? []) this.bytes -= histogramBytes(histogram);
  }
}

function definitionOf({ id, name, labels }: LiveSeries): [number, ...string[]] {
  return [id, "__name__", name, ...labels.flatMap((label) => [label.name, label.value])];
}

function bytesOf({ name, labels }: LiveSeries): number {
  let length = name.length;
  for (const label of labels) length += label.name.length + label.value.length + 30;
  // The page and the index hold the strings, too.
  return seriesBytes + 4 * length;
}

function histogramBytes(histogram: HistogramValue | undefined): number {
  if (histogram === undefined) return 0;
  const { positiveSpans, positiveCounts, negativeSpans, negativeCounts } = histogram;
  return 200 + 8 * (positiveCounts.length + negativeCounts.length) +
    40 * (positiveSpans.length + negativeSpans.length);
}

function grown(column: Float64Array): Float64Array {
  const copy = new Float64Array(column.length * 2);
  copy.set(column);
  return copy;
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}...`;
}

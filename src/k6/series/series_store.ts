/**
 * Finds the series of a sample: by the identity of its tags object if it can, by what they are if not.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { type PlaceExemplar, SeriesExemplars } from "./series_exemplars.ts";
import type { Sink } from "../sinks/sink.ts";
import { TagsIndex } from "./tags_index.ts";

/** A k6 series: one metric with one set of labels. `Output` is whatever its time series are to the mapping. */
export class Series<Output> {
  /** Its running aggregate. */
  readonly sink: Sink;
  /** The time series it becomes. */
  readonly outputs: readonly Output[];
  /** The first of them, which most series have alone: at a flush of many, each step through memory is what takes time. */
  readonly firstOutput: Output | undefined;
  /** Time of its first sample, in milliseconds. */
  readonly firstTime: number;
  /** Time of its latest sample since the last flush to which something came, in milliseconds. */
  latestTime: number;
  /** The stamp with which all its time series were sent last; no later one of any of them may be lower or the same. */
  lastStamp: number = -Infinity;
  /** The last stamp of each time series whose times the sink gives, by output. */
  ownStamps: number[] | undefined = undefined;
  /** When it was sent last, by the clock; undefined if it was not yet, or nobody wants to know. */
  sentAtMs: number | undefined = undefined;
  /** Whether something came in since the last flush. */
  pending = false;
  /** Examples of its values; undefined until there are any. */
  exemplars: SeriesExemplars | undefined = undefined;
  readonly #placeExemplar: PlaceExemplar | undefined;

  constructor({ sink, outputs, placeExemplar }: Omit<OpenedSeries<Output>, "identity">, firstTime: number) {
    this.sink = sink;
    this.outputs = outputs;
    this.firstOutput = outputs[0];
    this.#placeExemplar = placeExemplar;
    this.firstTime = firstTime;
    this.latestTime = firstTime;
  }

  /** The newest stamp of any of its time series; -Infinity if none was sent. */
  get newestStamp(): number {
    return this.ownStamps === undefined ? this.lastStamp : Math.max(this.lastStamp, ...this.ownStamps);
  }

  /** Keeps what identifies a sample, such as its trace. */
  addExemplar(metadata: Tags, value: number, time: number): void {
    if (this.#placeExemplar === undefined) return;
    this.exemplars ??= new SeriesExemplars(this.#placeExemplar);
    this.exemplars.add(metadata, value, time);
  }
}

/** What a new series is made of. */
export interface OpenedSeries<Output> {
  /** A fresh one. */
  readonly sink: Sink;
  /** The time series it becomes. */
  readonly outputs: readonly Output[];
  /** Series of one metric with equal identities are the same. */
  readonly identity: string;
  /** Where examples of its values belong. @default there are none */
  readonly placeExemplar?: PlaceExemplar;
}

/** Why a sample was not taken. */
export type RefusalReason = "invalidValue" | "invalidTime" | "futureTime" | "maxSeries";

/** How a store makes series. */
export interface SeriesStoreOptions<Output> {
  /** Makes a metric's series for tags; undefined leaves it out. */
  open(metric: Metric, tags: Tags): OpenedSeries<Output> | undefined;
  /** How many series there may be. */
  readonly maxSeries: number;
  /** Told of each sample that is not taken. */
  onRefused(reason: RefusalReason, sample: Sample): void;
}

/** The series of one set of tags, by number of the metric; null where the metric is left out. RejectedSamples are for good. */
type TagSet<Output> = (Series<Output> | "refused" | null | undefined)[];

/** Tags that differ in what is dropped from them lead to few series, but are many themselves: their index is bounded. */
const maxTagSets = 100_000;

/** All series of a run. */
export class SeriesStore<Output> {
  readonly #options: SeriesStoreOptions<Output>;
  readonly #metrics = new Map<string, number>();
  readonly #identities = new Map<string, Series<Output>>();
  #metricNumbers = new WeakMap<Metric, number>();
  #byTags = new WeakMap<Tags, TagSet<Output>>();
  readonly #byContent = new TagsIndex<TagSet<Output>>(maxTagSets);
  #pending: Series<Output>[] = [];
  // k6 emits a request's ten metrics one after the other with the same tags.
  #lastTags: Tags | undefined;
  #lastTagSet: TagSet<Output> = [];

  constructor(options: SeriesStoreOptions<Output>) {
    this.#options = options;
  }

  /** How many series there are. */
  get size(): number {
    return this.#identities.size;
  }

  /** All series. */
  series(): Iterable<Series<Output>> {
    return this.#identities.values();
  }

  /** Takes a sample. */
  add(sample: Sample): void {
    const { metric, tags, value } = sample;
    const time = Math.floor(sample.time);
    if (!Number.isFinite(value)) return this.#options.onRefused("invalidValue", sample);
    if (!Number.isSafeInteger(time)) return this.#options.onRefused("invalidTime", sample);
    const tagSet = tags === this.#lastTags ? this.#lastTagSet : this.#tagSetOf(tags);
    const number = this.#metricNumbers.get(metric) ?? this.#numberOf(metric);
    let series = tagSet[number];
    if (series === undefined) {
      series = this.#open(sample, time);
      tagSet[number] = series;
    }
    if (series === null) return;
    if (series === "refused") return this.#options.onRefused("maxSeries", sample);
    series.sink.add(value, time);
    if (sample.metadata !== undefined) series.addExemplar(sample.metadata, value, time);
    if (series.pending) {
      if (time > series.latestTime) series.latestTime = time;
    } else {
      series.latestTime = time;
      series.pending = true;
      this.#pending.push(series);
    }
  }

  /** The series to which something came since the last time, in the order in which it did. */
  takePending(): readonly Series<Output>[] {
    const taken = this.#pending;
    this.#pending = [];
    for (const series of taken) series.pending = false;
    return taken;
  }

  #tagSetOf(tags: Tags): TagSet<Output> {
    let tagSet = this.#byTags.get(tags);
    if (tagSet === undefined) {
      tagSet = this.#byContent.get(tags, () => []);
      this.#byTags.set(tags, tagSet);
    }
    this.#lastTags = tags;
    this.#lastTagSet = tagSet;
    return tagSet;
  }

  /** Metrics of one name and type are one metric, however many objects describe them. */
  #numberOf(metric: Metric): number {
    const key = `${metric.type} ${metric.contains} ${metric.name}`;
    const number = this.#metrics.get(key) ?? this.#metrics.size;
    this.#metrics.set(key, number);
    this.#metricNumbers.set(metric, number);
    return number;
  }

  #open({ metric, tags }: Sample, time: number): Series<Output> | "refused" | null {
    const opened = this.#options.open(metric, tags);
    if (opened === undefined) return null;
    const identity = `${this.#numberOf(metric)} ${opened.identity}`;
    let series = this.#identities.get(identity);
    if (series === undefined) {
      if (this.#identities.size >= this.#options.maxSeries) return "refused";
      series = new Series(opened, time);
      this.#identities.set(identity, series);
    }
    return series;
  }
}

/**
 * Finds the series of a sample: by the identity of its tags object if possible, otherwise by the tags.
 *
 * @module
 */
import { type Metric, metricTypes } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { type PlaceExemplar, SeriesExemplars } from "./series_exemplars.ts";
import type { Sink } from "../sinks/sink.ts";
import { TagsIndex } from "./tags_index.ts";

/** The parts of a new series. */
export interface OpenedSeries<Output> {
  /** A sink without values, for the new series. */
  readonly sink: Sink;
  /** The time series that the k6 series becomes. */
  readonly output: Output;
  /** A hash of what identifies the series of a metric. */
  readonly hash: number;
  /** Returns the place for an exemplar of a value; undefined if the series has no exemplars. */
  readonly placeExemplar?: PlaceExemplar | undefined;
}

/** A k6 series: one metric with one set of labels. `Output` is the type of its time series. */
export interface Series<Output> extends Omit<OpenedSeries<Output>, "hash"> {
  /** The time of the first sample, in milliseconds since the Unix epoch. */
  readonly firstTime: number;
  /** The time of the latest sample since the last flush that had any, in milliseconds since the Unix epoch. */
  latestTime: number;
  /** The last timestamp of all its time series together; no later timestamp of any of them may be the same or lower. */
  lastStamp: number;
  /** The last timestamp of each time series, by output; undefined until the sink emits times of its own. */
  ownStamps: number[] | undefined;
  /** When the series was sent last, by the clock; undefined if it was not sent yet or there are no heartbeats. */
  sentAtMs: number | undefined;
  /** Whether samples were added since the last flush. */
  pending: boolean;
  /** Exemplars of its values; undefined until there are any. */
  exemplars: SeriesExemplars | undefined;
}

/** Why a sample was refused. */
export type RefusalReason =
  | "invalidValue"
  | "invalidTime"
  | "invalidMetric"
  | "futureTime"
  | "timeJump"
  | "maxSeries"
  | "closed";

/** How a store makes series. */
export interface SeriesStoreOptions<Output> {
  /** Returns a metric's series for tags; undefined drops its samples. */
  open(metric: Metric, tags: Tags): OpenedSeries<Output> | undefined;
  /** Reports whether two outputs of one metric are the same time series. */
  isSame(one: Output, other: Output): boolean;
  /** Called with each new series. */
  readonly onCreated?: ((series: OpenedSeries<Output>) => void) | undefined;
  /** The largest number of series. */
  readonly maxSeries: number;
  /** Receives each sample that the store does not take, with the reason. */
  onRefused(reason: RefusalReason, sample: Sample): void;
}

/** The series of one set of tags, by the number of the metric; null if its samples are dropped. A refusal is permanent. */
type TagSet<Output> = (Series<Output> | RefusalReason | null | undefined)[];

/** Stands for all metrics of an unknown type. */
const unknownMetric = -1;

/** Tags that differ only in dropped tags lead to few series, but there may be very many of them: their index is bounded. */
const maxTagSets = 100_000;

/** All series of a run. */
export class SeriesStore<Output> {
  readonly #options: SeriesStoreOptions<Output>;
  readonly #metrics = new Map<string, number>();
  readonly #metricNumbers = new WeakMap<Metric, number>();
  /** The series by the number of their metric, then by hash. Strings that identify them would take a sixth of their memory. */
  readonly #series: Map<number, Series<Output> | Series<Output>[]>[] = [];
  #size = 0;
  readonly #byTags = new WeakMap<Tags, TagSet<Output>>();
  readonly #byContent = new TagsIndex<TagSet<Output>>(maxTagSets);
  #pending: Series<Output>[] = [];
  // k6 emits the ten metrics of a request one after the other, with the same tags.
  #lastTags: Tags | undefined;
  #lastTagSet: TagSet<Output> = [];
  /**
   * Creates a list with the length of the known metrics, because engines make room for 17 elements otherwise. It is no arrow function
   * where it is used, because Bun would prepare that function at each call of the method.
   */
  readonly #createTagSet = (): TagSet<Output> => new Array(this.#metrics.size);

  constructor(options: SeriesStoreOptions<Output>) {
    this.#options = options;
  }

  /** The number of k6 series, after the tag rules. */
  get size(): number {
    return this.#size;
  }

  /** Returns all series: those of the first metric in the order in which they were created, then those of the next one. */
  *series(): Iterable<Series<Output>> {
    for (const byHash of this.#series) {
      for (const entry of byHash.values()) {
        if (Array.isArray(entry)) yield* entry;
        else yield entry;
      }
    }
  }

  /** Adds a sample to its series, or refuses it. */
  add(sample: Sample): void {
    const { metric, tags, value, metadata } = sample;
    const time = Math.floor(sample.time);
    if (!Number.isFinite(value)) return this.#options.onRefused("invalidValue", sample);
    if (!Number.isSafeInteger(time)) return this.#options.onRefused("invalidTime", sample);
    const number = this.#metricNumbers.get(metric) ?? this.#numberOf(metric);
    const tagSet = tags === this.#lastTags ? this.#lastTagSet : this.#tagSetOf(tags);
    let series = tagSet[number];
    if (series === undefined) series = tagSet[number] = this.#open(sample, number, time);
    if (series === null) return;
    if (typeof series === "string") return this.#options.onRefused(series, sample);
    series.sink.add(value, time);
    if (metadata !== undefined && series.placeExemplar !== undefined) {
      series.exemplars ??= new SeriesExemplars(series.placeExemplar);
      series.exemplars.add(metadata, value, time);
    }
    if (!series.pending) {
      series.pending = true;
      series.latestTime = time;
      this.#pending.push(series);
    } else if (time > series.latestTime) {
      series.latestTime = time;
    }
  }

  /** Returns the series with new samples since the last call, in the order of their first new sample. */
  takePending(): readonly Series<Output>[] {
    const taken = this.#pending;
    this.#pending = [];
    for (const series of taken) series.pending = false;
    return taken;
  }

  #tagSetOf(tags: Tags): TagSet<Output> {
    let tagSet = this.#byTags.get(tags);
    if (tagSet === undefined) {
      tagSet = this.#byContent.get(tags, this.#createTagSet);
      this.#byTags.set(tags, tagSet);
    }
    this.#lastTags = tags;
    return this.#lastTagSet = tagSet;
  }

  /** Returns the number of a metric. Objects with equal names and types describe the same metric. */
  #numberOf(metric: Metric): number {
    // Programs without types may pass anything.
    if (!metricTypes.includes(metric?.type)) return unknownMetric;
    const key = `${metric.type} ${metric.contains} ${metric.name}`;
    const number = this.#metrics.get(key) ?? this.#metrics.size;
    this.#metrics.set(key, number);
    this.#metricNumbers.set(metric, number);
    return number;
  }

  #open({ metric, tags }: Sample, number: number, time: number): Series<Output> | RefusalReason | null {
    if (number === unknownMetric) return "invalidMetric";
    const opened = this.#options.open(metric, tags);
    if (opened === undefined) return null;
    const { sink, output, placeExemplar, hash } = opened;
    const byHash = this.#series[number] ??= new Map();
    const others = byHash.get(hash);
    const known = Array.isArray(others)
      ? others.find((other) => this.#options.isSame(other.output, output))
      : others !== undefined && this.#options.isSame(others.output, output)
      ? others
      : undefined;
    if (known !== undefined) return known;
    if (this.#size >= this.#options.maxSeries) return "maxSeries";
    const series: Series<Output> = {
      sink,
      output,
      placeExemplar,
      firstTime: time,
      latestTime: time,
      lastStamp: -Infinity,
      ownStamps: undefined,
      sentAtMs: undefined,
      pending: false,
      exemplars: undefined,
    };
    if (others === undefined) byHash.set(hash, series);
    else if (Array.isArray(others)) others.push(series);
    else byHash.set(hash, [others, series]);
    this.#size++;
    this.#options.onCreated?.(opened);
    return series;
  }
}

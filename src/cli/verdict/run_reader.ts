/**
 * Reads the values of a run's metrics with PromQL, over all instances.
 *
 * @module
 */
import type { Metric } from "../../k6/metric.ts";
import { validLabelName } from "../../model/labels.ts";
import { largest } from "./extremes.ts";
import { classicBuckets, type Histogram, mergeNative } from "./histogram_quantile.ts";
import { MetricReading, statisticsOf, type StoredValues } from "./metric_reading.ts";
import { evaluationTime, type Extent, lastOf, type Matchers, over, quote, select, withMargin } from "./promql.ts";
import type { InstantSeries, QueriedHistogram, QueryClient, SampledSeries } from "./query_client.ts";
import { precisionMs, type RunSelection } from "./run_instances.ts";
import { metricNamed, type StoredMetric, storedMetrics } from "./stored_metrics.ts";

/** The metrics that are about instances: their values add up. */
export const addedGauges: readonly string[] = ["vus", "vus_max"];

/** Tags that samples must have, with their values. */
export type TagList = readonly (readonly [name: string, value: string])[];

/** A check, over all instances. */
export interface CheckResult {
  readonly name: string;
  readonly group: string;
  readonly passes: number;
  readonly samples: number;
}

/** A threshold that the run itself sent. */
export interface SentThreshold {
  /** The metric, with tags in braces. */
  readonly metric: string;
  readonly expression: string;
}

/** What is known about a run. */
interface RunFacts {
  readonly run: RunSelection;
  readonly extent: Extent;
  /** The labels of its series, by name. */
  readonly series: ReadonlyMap<string, readonly Matchers[]>;
  readonly metrics?: readonly StoredMetric[];
  /** When the run began, estimated, in milliseconds since the Unix epoch. */
  readonly startMs?: number;
}

/** The first length of time in which the last native histograms are read: a live sender repeats idle series once a minute. */
const firstLookMs = 75_000;

/** Reads the metrics and the values of one run from a query API. */
export class RunReader {
  readonly client: QueryClient;
  readonly extent: Extent;
  /** The metrics of the run. */
  readonly metrics: readonly StoredMetric[];
  /** How long the run took, in milliseconds. */
  readonly durationMs: number;
  readonly #run: RunSelection;
  readonly #series: ReadonlyMap<string, readonly Matchers[]>;
  readonly #readings = new Map<string, Promise<MetricReading | undefined>>();

  private constructor(client: QueryClient, { run, extent, series, metrics = [], startMs = extent.startMs }: RunFacts) {
    this.client = client;
    this.extent = extent;
    this.metrics = metrics;
    // The samples of one moment tell no duration.
    this.durationMs = extent.endMs - extent.startMs <= precisionMs ? 0 : extent.endMs - startMs;
    this.#run = run;
    this.#series = series;
  }

  /**
   * Finds the metrics of a run.
   *
   * @param options known: the metrics whose types the user gave; isStartKnown: whether the user gave the start of the run
   * @throws QueryError
   */
  static async open(
    client: QueryClient,
    { run, extent, known, isStartKnown }: {
      readonly run: RunSelection;
      readonly extent: Extent;
      readonly known: Readonly<Record<string, Metric>>;
      readonly isStartKnown: boolean;
    },
  ): Promise<RunReader> {
    const { matchers, prefix } = run;
    // Of the buckets of classic histograms, one is enough.
    const selector = select(matchers, [`__name__=~${quote(`${prefix}.+`)}`, 'le=~"|\\\\+Inf"']);
    const series = new Map<string, Matchers[]>();
    for (const { __name__: name = "", ...labels } of await client.series(selector, withMargin(extent))) {
      const others = series.get(name);
      if (others === undefined) series.set(name, [labels]);
      else others.push(labels);
    }
    const facts = { run, extent, series };
    // A native histogram has the name that a gauge could have.
    const plain = storedMetrics(series.keys(), { prefix, known, native: new Set() })
      .flatMap((metric) => metric.type === "gauge" ? [metric.series] : []);
    const native = new Set<string>();
    for (const name of plain) {
      if (await new RunReader(client, facts).#isNative(name)) native.add(name.slice(prefix.length));
    }
    const metrics = storedMetrics(series.keys(), { prefix, known, native });
    const typed = new RunReader(client, { ...facts, metrics });
    return isStartKnown ? typed : new RunReader(client, { ...facts, metrics, startMs: await typed.#estimateStart() });
  }

  /** Returns the metric with the name that a script uses; undefined if the run sent no such series. */
  find(name: string): StoredMetric | undefined {
    return metricNamed(name, { metrics: this.metrics, prefix: this.#run.prefix });
  }

  /**
   * Returns the values of a metric, or of its samples with certain tags; undefined if there are none.
   *
   * @throws QueryError
   */
  read(metric: StoredMetric, tags: TagList = []): Promise<MetricReading | undefined> {
    const key = JSON.stringify([metric, tags]);
    let reading = this.#readings.get(key);
    if (reading === undefined) {
      reading = this.#valuesOf(metric, tags).then((values) => values && new MetricReading(metric, values));
      this.#readings.set(key, reading);
    }
    return reading;
  }

  /** Returns the values of a metric with the name that a script uses. @throws QueryError */
  async readNamed(name: string, tags: TagList = []): Promise<MetricReading | undefined> {
    const metric = this.find(name);
    return metric && await this.read(metric, tags);
  }

  /** Returns the checks, in the order of their names. @throws QueryError */
  async checks(): Promise<CheckResult[]> {
    const { prefix } = this.#run;
    const byCheck = async (name: string): Promise<Map<string, number>> => {
      const series = await this.#ask(`sum by (group, check) (${this.#last(`${prefix}${name}`)})`);
      return new Map(
        series.map(({ labels, value }) => [JSON.stringify([labels.group ?? "", labels.check ?? ""]), value]),
      );
    };
    const samples = await byCheck("checks_samples_total");
    const passes = samples.size === 0 ? samples : await byCheck("checks_passes_total");
    return [...samples].sort(([a], [b]) => a < b ? -1 : 1).map(([key, count]) => {
      const [group = "", name = ""]: string[] = JSON.parse(key);
      return { group, name, passes: passes.get(key) ?? 0, samples: count };
    });
  }

  /** Returns the thresholds that the instances sent. @throws QueryError */
  async thresholds(): Promise<SentThreshold[]> {
    const { prefix } = this.#run;
    const sent = await this.#ask(`max by (metric, expression) (${this.#last(`${prefix}threshold`)})`);
    return sent.map(({ labels: { metric = "", expression = "" } }) => ({ metric, expression }))
      .sort((a, b) => a.metric + a.expression < b.metric + b.expression ? -1 : 1);
  }

  /**
   * Returns the histogram of the values of a trend within a part of the run; undefined if there is none.
   *
   * @throws QueryError
   */
  async increase(metric: StoredMetric, window: Extent): Promise<Histogram | undefined> {
    if (metric.type !== "trend" || metric.form === "stats") return undefined;
    const name = metric.form === "native" ? metric.series : `${metric.series}_bucket`;
    const range = `increase(${select({ __name__: name, ...this.#run.matchers })}[${window.endMs - window.startMs}ms])`;
    if (metric.form === "native") {
      const [merged] = await this.client.instant(`sum(${range})`, window.endMs);
      return merged?.histogram && mergeNative([merged.histogram]);
    }
    return classicOf(await this.client.instant(`sum by (le, vmrange) (${range})`, window.endMs), NaN);
  }

  /**
   * Estimates when the run began: a sender sends for the first time when a flush period has passed. The first value of a counter shows
   * for how long it had counted at its average rate. The error is at most one period.
   */
  async #estimateStart(): Promise<number> {
    const { startMs, endMs } = this.extent;
    const lengthMs = endMs - startMs;
    const counter = this.find("http_reqs") ?? this.find("iterations") ??
      this.metrics.find(({ type }) => type === "counter");
    if (counter?.type !== "counter" || lengthMs === 0) return startMs;
    const selector = this.#select(counter.series);
    const ask = async (query: string, atMs = evaluationTime(this.extent)): Promise<Map<string, number>> =>
      new Map((await this.client.instant(query, atMs)).map(({ labels, value }) => [seriesKey(labels), value]));
    const firstValues = await ask(`min_over_time(${this.#over(selector)})`);
    const perSecond = await ask(`deriv(${this.#over(selector)})`);
    const counts = await ask(`count_over_time(${this.#over(selector)})`);
    // The samples of one flush tell no duration, although their times differ.
    if (largest(counts.values()) <= 1) return endMs;
    // The first sample comes after at most one period. A burst at the start is not a longer time.
    const periodMs = lengthMs / Math.max(1, largest(counts.values()) - 1);
    // Series that begin later say nothing about the start.
    const lookMs = Math.ceil(Math.min(lengthMs, 3 * periodMs));
    const stepMs = Math.max(50, Math.ceil(lookMs / 60));
    const firstTimes = await ask(
      `min_over_time(timestamp(${selector})[${lookMs + stepMs}ms:${stepMs}ms])`,
      startMs + lookMs,
    );
    // A series with many counts shows the start better than one with few.
    let [sum, weights] = [0, 0];
    for (const [key, rate] of perSecond) {
      const firstMs = (firstTimes.get(key) ?? NaN) * 1000;
      const startedMs = firstMs - Math.min((firstValues.get(key) ?? 0) / rate * 1000, periodMs);
      if (!(rate > 0) || Number.isNaN(startedMs)) continue;
      sum += rate * (startedMs - startMs);
      weights += rate;
    }
    return weights === 0 ? startMs : Math.round(Math.min(startMs, startMs + sum / weights));
  }

  async #valuesOf(metric: StoredMetric, tags: TagList): Promise<StoredValues | undefined> {
    const last = (name: string): string => this.#last(name, tags);
    const sum = async (name: string): Promise<number | undefined> => (await this.#ask(`sum(${last(name)})`))[0]?.value;
    switch (metric.type) {
      case "counter": {
        const count = await sum(metric.series);
        return count === undefined ? undefined : { type: "counter", count, seconds: this.durationMs / 1000 };
      }
      case "gauge":
        return await this.#gauge(metric, tags);
      case "rate": {
        const { passes, samples, ratio } = metric;
        const counted = samples === undefined ? undefined : await sum(samples);
        if (counted !== undefined && passes !== undefined) {
          return { type: "rate", passes: await sum(passes) ?? 0, samples: counted };
        }
        const ratios = ratio === undefined ? [] : (await this.#ask(last(ratio))).map(({ value }) => value);
        return ratios.length === 0 ? undefined : { type: "rate", ratios };
      }
      case "trend": {
        if (metric.form === "stats") return await this.#stats(metric, tags);
        const histogram = metric.form === "native"
          ? await this.#native(metric.series, tags)
          : await this.#classic(metric.series, tags);
        return histogram && { type: "trend", histogram };
      }
    }
  }

  async #gauge(
    { name, series }: { readonly name: string; readonly series: string },
    tags: TagList,
  ): Promise<StoredValues | undefined> {
    const values = (await this.#ask(this.#last(series, tags))).map(({ value }) => value);
    const [first] = values;
    if (first === undefined) return undefined;
    const selector = this.#select(series, tags);
    const over = (by: "min" | "max"): string => {
      // The VUs of all instances at the same moment.
      if (addedGauges.includes(name)) return `${by}_over_time(sum(${selector})${this.#subquery()})`;
      return `${by}(${by}_over_time(${this.#over(selector)}))`;
    };
    const isOne = values.every((value) => value === first);
    const value = addedGauges.includes(name) ? values.reduce((sum, each) => sum + each, 0) : isOne ? first : undefined;
    const [min, max] = [(await this.#ask(over("min")))[0]?.value, (await this.#ask(over("max")))[0]?.value];
    return { type: "gauge", value, min: min ?? NaN, max: max ?? NaN };
  }

  async #stats(
    { series, suffixes, isUnitKnown }: Extract<StoredMetric, { readonly form: "stats" }>,
    tags: TagList,
  ): Promise<StoredValues | undefined> {
    const values = new Map<string, number[]>();
    for (const suffix of suffixes) {
      values.set(suffix, (await this.#ask(this.#last(`${series}${suffix}`, tags))).map(({ value }) => value));
    }
    return statisticsOf(values, isUnitKnown);
  }

  async #classic(series: string, tags: TagList): Promise<Histogram | undefined> {
    const buckets = await this.#ask(`sum by (le, vmrange) (${this.#last(`${series}_bucket`, tags)})`);
    const [sum] = await this.#ask(`sum(${this.#last(`${series}_sum`, tags)})`);
    return classicOf(buckets, sum?.value ?? NaN);
  }

  /** Adds up the last histogram of each series. To read all histograms of a long run would take the server long. */
  async #native(series: string, tags: TagList): Promise<Histogram | undefined> {
    const wanted = this.#countOf(series, tags);
    const lengthMs = this.extent.endMs - this.extent.startMs;
    for (let lookMs = Math.min(firstLookMs, lengthMs);; lookMs = Math.min(4 * lookMs, lengthMs)) {
      const last = lastOf(this.#select(series, tags), { ...this.extent, startMs: this.extent.endMs - lookMs });
      const [found] = await this.#ask(`count(${last})`);
      if ((found?.value ?? 0) < wanted && lookMs < lengthMs) continue;
      const [merged] = await this.#ask(`sum(${last})`);
      if (merged === undefined) return undefined;
      if (merged.histogram !== undefined) return mergeNative([merged.histogram]);
      const histograms = await this.#lastHistograms(series, tags);
      return histograms.length === 0 ? undefined : mergeNative(histograms);
    }
  }

  /** Reports whether a name is that of native histograms. */
  async #isNative(name: string): Promise<boolean> {
    const { extent } = this;
    const late = { ...extent, startMs: Math.max(extent.startMs, extent.endMs - firstLookMs) };
    for (const time of late.startMs === extent.startMs ? [extent] : [late, extent]) {
      const [value] = await this.#ask(`sum(${lastOf(this.#select(name), time)})`);
      if (value === undefined) continue;
      if (value.histogram !== undefined || value.value !== 0) return value.histogram !== undefined;
      // Prometheus before 2.44 takes the last value of a histogram for 0.
      for await (const series of this.#samplesBackwards(this.#select(name))) {
        if (series.some(({ histograms }) => histograms.length > 0)) return true;
        if (series.some(({ floats }) => floats.length > 0)) return false;
      }
    }
    return false;
  }

  /** Yields the samples of series, from the end of the run backwards. */
  async *#samplesBackwards(selector: string): AsyncGenerator<readonly SampledSeries[], void, undefined> {
    let toMs = evaluationTime(this.extent);
    for (let lengthMs = 2000; toMs >= this.extent.startMs; lengthMs *= 2) {
      yield await this.client.samples(`${selector}[${lengthMs}ms]`, toMs);
      toMs -= lengthMs;
    }
  }

  /** Returns the last histogram of each series, for Prometheus before 2.44. */
  async #lastHistograms(series: string, tags: TagList): Promise<QueriedHistogram[]> {
    const wanted = this.#countOf(series, tags);
    const last = new Map<string, QueriedHistogram>();
    for await (const found of this.#samplesBackwards(this.#select(series, tags))) {
      for (const { labels, histograms } of found) {
        const newest = histograms.at(-1)?.histogram;
        const key = seriesKey(labels);
        if (newest !== undefined && !last.has(key)) last.set(key, newest);
      }
      if (last.size >= wanted) break;
    }
    return [...last.values()];
  }

  /** Returns the number of series of a name with certain tags. */
  #countOf(name: string, tags: TagList): number {
    const series = this.#series.get(name) ?? [];
    return series.filter((labels) => tags.every(([tag, value]) => (labels[validLabelName(tag)] ?? "") === value))
      .length;
  }

  #ask(query: string): Promise<readonly InstantSeries[]> {
    return this.client.instant(query, evaluationTime(this.extent));
  }

  #last(name: string, tags: TagList = []): string {
    return lastOf(this.#select(name, tags), this.extent);
  }

  #over(selector: string): string {
    return over(selector, this.extent);
  }

  #subquery(): string {
    const lengthMs = this.extent.endMs - this.extent.startMs;
    return `[${lengthMs + 1000}ms:${Math.max(1000, Math.ceil(lengthMs / 1000))}ms]`;
  }

  #select(name: string, tags: TagList = []): string {
    const labels: Matchers = Object.fromEntries(tags.map(([tag, value]) => [validLabelName(tag), value]));
    return select({ __name__: name, ...labels, ...this.#run.matchers });
  }
}

/** Returns the labels as one string. Not every function keeps the name. */
function seriesKey({ __name__: _, ...labels }: SampledSeries["labels"]): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Returns the histogram of the series of its buckets; undefined if there are none. */
export function classicOf(
  series: readonly Pick<InstantSeries, "labels" | "value">[],
  sum: number,
): Histogram | undefined {
  // VictoriaMetrics stores native histograms as series for the ranges of their buckets.
  const ranges = series.flatMap(({ labels: { vmrange = "" }, value }) => {
    const [low = NaN, high = NaN] = vmrange.split("...").map(boundOf);
    return low <= high ? [{ low, high, count: value }] : [];
  });
  if (ranges.length > 0) {
    const count = ranges.reduce((total, { count }) => total + count, 0);
    return mergeNative([{ count, sum, buckets: ranges }]);
  }
  const counts = series.map(({ labels, value }) => [boundOf(labels.le ?? ""), value] as const)
    .filter(([bound]) => !Number.isNaN(bound));
  if (counts.length === 0) return undefined;
  const count = Math.max(0, largest(counts.map(([, cumulative]) => cumulative)));
  return { form: "classic", count, sum, buckets: classicBuckets(counts) };
}

function boundOf(text: string): number {
  return /^\+?Inf$/.test(text) ? Infinity : text === "" ? NaN : Number(text);
}

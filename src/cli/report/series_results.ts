/**
 * The results of a run from its series, as `receive` gets them. What they cannot tell, such as the percentile of several series of
 * statistics, is not known, as in the command `verdict`.
 *
 * @module
 */
import type { HistogramValue, Label, Metadata } from "../../model/time_series.ts";
import { judgeSentThresholds, type MetricSource } from "../verdict/judgement.ts";
import { mergeNative } from "../verdict/histogram_quantile.ts";
import { MetricReading, statisticsOf, type StoredValues } from "../verdict/metric_reading.ts";
import type { Extent } from "../verdict/promql.ts";
import { addedGauges, type CheckResult, classicOf, type SentThreshold, type TagList } from "../verdict/run_reader.ts";
import type { RunResults } from "../verdict/run_verdict.ts";
import { metricNamed, mixedMetrics, type StoredMetric, storedMetrics } from "../verdict/stored_metrics.ts";
import { nativeBuckets } from "./native_buckets.ts";
import type { ResultsHeader } from "./sample_results.ts";

/** A series with its points, which are sorted by time. */
export interface SeriesPoints {
  readonly name: string;
  /** The labels without the name. */
  readonly labels: readonly Label[];
  /** The times in milliseconds. Only the first `length` elements of the columns are points. */
  readonly times: ArrayLike<number>;
  /** The values; NaN is a staleness marker. */
  readonly values: ArrayLike<number>;
  /** The histograms by the index of their point; undefined for a series of floats. */
  readonly histograms?: ArrayLike<HistogramValue | undefined> | undefined;
  readonly length: number;
}

/** Returns the metadata of a series, if they are known. */
type MetadataOf = (name: string) => Metadata | undefined;

/** A series and the index of its newest point that is no staleness marker. */
interface LastPoint {
  readonly series: SeriesPoints;
  readonly at: number;
}

/**
 * Returns the results of the newest run in series: the one whose testid has the newest sample.
 *
 * @param options prefix: the beginning of the names of k6's series; startMs: when the run began, if it is known; metadataOf: what is known about a series by its name
 */
export async function seriesResults(
  series: Iterable<SeriesPoints>,
  { title, delivery, prefix, startMs, metadataOf = () => undefined }: Omit<ResultsHeader, "testid"> & {
    readonly prefix: string;
    readonly startMs?: number | undefined;
    readonly metadataOf?: MetadataOf | undefined;
  },
): Promise<RunResults> {
  const runs = new Map<string, LastPoint[]>();
  for (const each of series) {
    if (!each.name.startsWith(prefix)) continue;
    let at = each.length - 1;
    while (at >= 0 && Number.isNaN(each.values[at])) at--;
    if (at < 0) continue;
    const testid = labelOf(each, "testid");
    const others = runs.get(testid);
    if (others === undefined) runs.set(testid, [{ series: each, at }]);
    else others.push({ series: each, at });
  }
  const newestOf = (points: readonly LastPoint[]): number =>
    points.reduce((newest, { series, at }) => Math.max(newest, series.times[at] ?? 0), 0);
  const [[testid, points] = ["", []], ...others] = [...runs].sort(([, a], [, b]) => newestOf(b) - newestOf(a));
  const reader = new SeriesReader(points, { prefix, startMs, metadataOf });
  const readings = await Promise.all(reader.metrics.map(({ name }) => reader.readNamed(name)));
  return {
    title,
    testid: testid === "" ? undefined : testid,
    extent: reader.extent,
    durationMs: reader.durationMs,
    problems: [
      ...points.length === 0 ? [`No series of k6 arrived, whose names begin with ${prefix}.`] : [],
      ...mixedMetrics(reader.metrics).map((name) =>
        `${name} was sent in several forms, so no form has all of its values.`
      ),
    ],
    notes: others.length === 0
      ? []
      : [`These are the results of the newest run. Others: ${
        others.map(([other]) => other || "(no testid)").join(", ")
      }`],
    readings: readings.filter((reading) => reading !== undefined),
    checks: reader.checks(),
    thresholds: await judgeSentThresholds(reader.thresholds(), reader),
    delivery,
  };
}

/** Reads the values of one run. */
class SeriesReader implements MetricSource {
  readonly metrics: readonly StoredMetric[];
  readonly extent: Extent;
  readonly durationMs: number;
  readonly #prefix: string;
  readonly #byName = new Map<string, LastPoint[]>();

  constructor(
    points: readonly LastPoint[],
    { prefix, startMs: began, metadataOf }: {
      readonly prefix: string;
      readonly startMs: number | undefined;
      readonly metadataOf: MetadataOf;
    },
  ) {
    this.#prefix = prefix;
    const native = new Set<string>();
    let [startMs, endMs] = [Infinity, -Infinity];
    for (const point of points) {
      const { series, at } = point;
      const others = this.#byName.get(series.name);
      if (others === undefined) this.#byName.set(series.name, [point]);
      else others.push(point);
      if (series.histograms?.[at] !== undefined) native.add(series.name.slice(prefix.length));
      startMs = Math.min(startMs, series.times[0] ?? Infinity);
      endMs = Math.max(endMs, series.times[at] ?? -Infinity);
    }
    this.extent = points.length === 0 ? { startMs: 0, endMs: 0 } : { startMs, endMs };
    this.metrics = storedMetrics(this.#byName.keys(), { prefix, known: {}, native })
      .map((metric) => withUnit(metric, metadataOf));
    this.durationMs = Math.max(0, Math.round(this.extent.endMs - (began ?? this.#estimateStart())));
  }

  readNamed(name: string, tags: TagList = []): Promise<MetricReading | undefined> {
    const metric = metricNamed(name, { metrics: this.metrics, prefix: this.#prefix });
    const values = metric && this.#valuesOf(metric, tags);
    return Promise.resolve(metric && values && new MetricReading(metric, values));
  }

  /** Returns the checks, in the order of their groups and names. */
  checks(): CheckResult[] {
    const count = (name: string): Map<string, number> =>
      sumBy(
        this.#find(`${this.#prefix}${name}`),
        ({ series }) => JSON.stringify([labelOf(series, "group"), labelOf(series, "check")]),
      );
    const passes = count("checks_passes_total");
    return [...count("checks_samples_total")].sort(([a], [b]) => a < b ? -1 : 1).map(([key, samples]) => {
      const [group = "", name = ""]: string[] = JSON.parse(key);
      return { group, name, passes: passes.get(key) ?? 0, samples };
    });
  }

  /** Returns the thresholds that the run sent. */
  thresholds(): SentThreshold[] {
    const sent = this.#find(`${this.#prefix}threshold`).map(({ series }) =>
      [labelOf(series, "metric"), labelOf(series, "expression")] as const
    );
    const unique = new Map(sent.map((each) => [each.join("\n"), each]));
    return [...unique].sort(([a], [b]) => a < b ? -1 : 1).map(([, [metric, expression]]) => ({ metric, expression }));
  }

  #find(name: string | undefined, tags: TagList = []): readonly LastPoint[] {
    const points = name === undefined ? [] : this.#byName.get(name) ?? [];
    return points.filter(({ series }) => tags.every(([tag, value]) => labelOf(series, tag) === value));
  }

  #valuesOf(metric: StoredMetric, tags: TagList): StoredValues | undefined {
    const values = (name: string | undefined): number[] => this.#find(name, tags).map(valueOf);
    switch (metric.type) {
      case "counter": {
        const counts = values(metric.series);
        return counts.length === 0
          ? undefined
          : { type: "counter", count: sum(counts), seconds: this.durationMs / 1000 };
      }
      case "gauge":
        return this.#gauge(metric, this.#find(metric.series, tags));
      case "rate": {
        const samples = values(metric.samples);
        if (samples.length > 0) return { type: "rate", passes: sum(values(metric.passes)), samples: sum(samples) };
        const ratios = values(metric.ratio);
        return ratios.length === 0 ? undefined : { type: "rate", ratios };
      }
      case "trend": {
        if (metric.form === "stats") {
          const { series, suffixes, isUnitKnown } = metric;
          return statisticsOf(new Map(suffixes.map((suffix) => [suffix, values(`${series}${suffix}`)])), isUnitKnown);
        }
        if (metric.form === "native") {
          const histograms = this.#find(metric.series, tags).flatMap(({ series, at }) => series.histograms?.[at] ?? []);
          if (histograms.length === 0) return undefined;
          const merged = mergeNative(
            histograms.map((histogram) => ({ ...histogram, buckets: nativeBuckets(histogram) })),
          );
          return { type: "trend", histogram: merged };
        }
        const buckets = sumBy(this.#find(`${metric.series}_bucket`, tags), ({ series }) => labelOf(series, "le"));
        const histogram = classicOf(
          [...buckets].map(([le, value]) => ({ labels: { le }, value })),
          sum(values(`${metric.series}_sum`)),
        );
        return histogram && { type: "trend", histogram };
      }
    }
  }

  #gauge({ name }: { readonly name: string }, points: readonly LastPoint[]): StoredValues | undefined {
    const values = points.map(valueOf);
    const [first] = values;
    if (first === undefined) return undefined;
    const isAdded = addedGauges.includes(name);
    const courses = isAdded ? [courseOfSum(points)] : points.map(({ series }) => numbersOf(series));
    const range = courses.flat();
    const isOne = values.every((value) => value === first);
    return {
      type: "gauge",
      value: isAdded ? sum(values) : isOne ? first : undefined,
      min: range.reduce((min, value) => Math.min(min, value), Infinity),
      max: range.reduce((max, value) => Math.max(max, value), -Infinity),
    };
  }

  /**
   * Estimates when the run began: a sender sends for the first time when a flush period has passed. The first value of a counter shows
   * for how long it had counted at its average rate. The error is at most one period.
   */
  #estimateStart(): number {
    const { startMs, endMs } = this.extent;
    const counters = ["http_reqs", "iterations"].map((name) => this.#find(`${this.#prefix}${name}_total`));
    const points = counters.find((found) => found.length > 0) ?? [];
    const most = points.reduce((most, { series }) => Math.max(most, series.length), 0);
    // One flush says nothing about the time, so that no rate per second is known.
    if (most < 2) return endMs;
    const periodMs = (endMs - startMs) / (most - 1);
    // A series that begins later says nothing about the start.
    const early = points.filter(({ series }) => (series.times[0] ?? 0) < startMs + periodMs);
    const first = sum(early.map(({ series }) => series.values[0] ?? 0));
    const grown = sum(early.map(valueOf)) - first;
    return grown > 0 ? startMs - Math.min(periodMs, first / grown * (endMs - startMs)) : startMs;
  }
}

/** The names of statistics do not tell the unit of a script's trend, but metadata do. */
function withUnit(metric: StoredMetric, metadataOf: MetadataOf): StoredMetric {
  if (metric.type !== "trend" || metric.form !== "stats" || metric.isUnitKnown) return metric;
  const metadata = metadataOf(`${metric.series}${metric.suffixes[0] ?? ""}`);
  if (metadata === undefined) return metric;
  const contains = metadata.unit === "seconds" ? "time" : metadata.unit === "bytes" ? "data" : "default";
  return { ...metric, contains, isUnitKnown: true };
}

function labelOf({ labels }: SeriesPoints, name: string): string {
  return labels.find((label) => label.name === name)?.value ?? "";
}

function valueOf({ series, at }: LastPoint): number {
  return series.values[at] ?? NaN;
}

/** Returns the values without staleness markers. */
function numbersOf({ values, length }: SeriesPoints): number[] {
  return Array.from({ length }, (_, index) => values[index] ?? NaN).filter((value) => !Number.isNaN(value));
}

/** Returns the sum of series at each time at which one of them changes. A series counts from its first point to its last. */
function courseOfSum(points: readonly LastPoint[]): number[] {
  const changes: { readonly time: number; readonly index: number; readonly value: number }[] = [];
  for (const [index, { series, at }] of points.entries()) {
    for (let point = 0; point <= at; point++) {
      changes.push({ time: series.times[point] ?? 0, index, value: series.values[point] ?? NaN });
    }
  }
  changes.sort((a, b) => a.time - b.time);
  const values = points.map(() => 0);
  const course: number[] = [];
  for (const { index, value } of changes) {
    values[index] = Number.isNaN(value) ? 0 : value;
    course.push(sum(values));
  }
  return course;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumBy(points: readonly LastPoint[], keyOf: (point: LastPoint) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const point of points) sums.set(keyOf(point), (sums.get(keyOf(point)) ?? 0) + valueOf(point));
  return sums;
}

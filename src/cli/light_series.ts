/**
 * Turns the series that k6's own output sends into samples, so that an output sends them like the series that it makes itself.
 *
 * @module
 */
import { helpOf } from "../k6/mapping/metric_help.ts";
import type { Mapping, MetricMapping } from "../k6/mapping/mapping.ts";
import type { Metric } from "../k6/metric.ts";
import type { Sample, Tags } from "../k6/sample.ts";
import { labelsOf } from "../k6/series/labels_of.ts";
import { type Emit, GaugeSink, type Sink } from "../k6/sinks/sink.ts";
import { validMetricName } from "../model/labels.ts";
import type { HistogramValue, Label, Metadata, TimeSeries } from "../model/time_series.ts";

/** How to treat the series. */
export interface LightSeriesOptions {
  /** Begins the name of every metric, instead of k6's own `k6_`. */
  readonly prefix: string;
  /** Whether the tag `name` becomes a label. If not, it is dropped where `url` repeats it. */
  readonly keepNameTag: boolean;
  /** Labels of every series; a tag with the same name takes precedence. */
  readonly labels: Tags;
  /** The statistics of trends that k6 was asked for, such as `p(95)`. @default k6's default, which has no count */
  readonly trendStats?: readonly string[] | undefined;
  /** Receives what the user should know. */
  warn(message: string): void;
}

/** A series of k6's, as the output gets it. */
interface KnownSeries {
  readonly metric: Metric;
  readonly tags: Tags;
  /** The latest write that contained the series. */
  write: number;
}

const k6Prefix = "k6_";

/** The mapping's name is that of the mapping that gives such series: totals since the start of the run. */
const mappingName = "prometheus";

/** The series of one run. */
export class LightSeries {
  /** The mapping for the output: each metric becomes one time series, whose value is the latest point. */
  readonly mapping: Mapping = { name: mappingName, mapMetric: (metric) => this.#mapMetric(metric) };
  readonly #options: LightSeriesOptions;
  readonly #metrics = new Map<string, Metric>();
  readonly #counts: TrendCounts | undefined;
  /** Series by their labels as k6 sent them. */
  readonly #known = new Map<string, KnownSeries>();
  /** The labels as they are sent, of all series. */
  readonly #taken = new Set<string>();
  /** The points of the latest write. A sample holds the number of its point, because its value cannot be a histogram. */
  #points: (number | HistogramValue)[] = [];
  #writes = 0;

  constructor(options: LightSeriesOptions) {
    this.#options = options;
    if (options.trendStats?.includes("count") === true) this.#counts = new TrendCounts(options.trendStats);
  }

  /** Returns the samples of a write. The output must take them before the next call. */
  samplesOf(timeSeries: readonly TimeSeries[]): Sample[] {
    this.#points = [];
    this.#writes++;
    const taken: Sample[] = [];
    for (const { labels, samples = [], histograms = [] } of timeSeries) {
      // This is a staleness marker. The output sends its own. (k6 marks a histogram with a float, and repeats the histogram.)
      if (samples.some(({ stale }) => stale === true)) continue;
      for (const { timestamp, ...point } of [...samples, ...histograms]) {
        const isHistogram = "count" in point;
        const { metric, tags } = this.#find(labels, isHistogram);
        taken.push({ metric, tags, time: Number(timestamp), value: this.#points.length });
        this.#points.push(isHistogram ? point : point.value);
      }
    }
    this.#counts?.repair(taken, this.#points);
    return taken;
  }

  #find(labels: readonly Label[], isHistogram: boolean): KnownSeries {
    const key = keyOf(labels);
    let known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, known = this.#open(labels, isHistogram));
    if (known.write === this.#writes) {
      this.#options.warn(
        `k6 sends two metrics with the same name and labels, ${k6Prefix}${known.metric.name}: only one of them is visible. ` +
          "Give one another name, or run without --light.",
      );
    }
    known.write = this.#writes;
    return known;
  }

  #open(labels: readonly Label[], isHistogram: boolean): KnownSeries {
    const { name, tags } = separate(labels);
    const type = isHistogram ? "trend" : name.endsWith("_total") ? "counter" : "gauge";
    const key = `${type} ${name}`;
    let metric = this.#metrics.get(key);
    if (metric === undefined) this.#metrics.set(key, metric = { name, type, contains: "default" });
    return { metric, tags: this.#distinct(key, tags), write: 0 };
  }

  /** Returns the tags of a new series so that no two series get the same labels, although their tags differ. */
  #distinct(metric: string, tags: ReadonlyMap<string, string>): Tags {
    // k6 sets url to the value of name. Only then, no two series can become equal without the tag.
    const isRepeated = tags.has("name") && tags.get("name") === tags.get("url");
    if (!this.#options.keepNameTag && isRepeated) {
      const { name: _, ...withoutName } = Object.fromEntries(tags);
      if (this.#claim(metric, withoutName)) return withoutName;
    }
    let candidate: Tags = Object.fromEntries(tags);
    // Two tags may have the same valid form, such as a.b and a_b: the second one becomes a_b_2.
    const reserved = new Set(["__name__"]);
    for (const name of ["", ...labelsOf(tags, { reserved }).map((label) => label.name)]) {
      if (name !== "") {
        reserved.add(name);
        candidate = Object.fromEntries(labelsOf(tags, { reserved }).map((label) => [label.name, label.value]));
      }
      if (this.#claim(metric, candidate)) break;
    }
    return candidate;
  }

  /** Reserves the labels of tags. Returns false if another series has them. */
  #claim(metric: string, tags: Tags): boolean {
    const sent = labelsOf(new Map(Object.entries({ ...this.#options.labels, ...tags })), { reserved: ["__name__"] });
    const identity = JSON.stringify([metric, sent]);
    if (this.#taken.has(identity)) return false;
    this.#taken.add(identity);
    return true;
  }

  #mapMetric(metric: Metric): MetricMapping {
    const { prefix } = this.#options;
    const name = validMetricName(`${prefix}${metric.name}`);
    const isOfK6 = this.#metrics.get(`${metric.type} ${metric.name}`) === metric;
    return {
      outputs: [{ name, metadata: isOfK6 ? metadataOf(metric) : { type: "gauge" } }],
      // The output itself has metrics, too: information about the run.
      createSink: () => isOfK6 ? new PointSink((number) => this.#points[number]) : new GaugeSink(),
    };
  }
}

/** Returns the labels as one string. Twice as fast as JSON.stringify: it runs for every series of every write. */
function keyOf(labels: readonly Label[]): string {
  const parts: string[] = [];
  for (const { name, value } of labels) parts.push(name, value);
  // Half a character, which no string has that was read from UTF-8.
  return parts.join("\ud800");
}

/** k6 divides the number of a trend's values by 1000 as if it were a time, if the trend's values are times. */
class TrendCounts {
  readonly #siblings: readonly string[];
  /** The metrics that exist, and those whose values are times. */
  readonly #names = new Set<string>();
  readonly #times = new Set<string>();

  constructor(trendStats: readonly string[]) {
    this.#siblings = trendStats.filter((stat) => stat !== "count").map((stat) => `_${stat.replace(/[().]/g, "")}`);
  }

  /** Multiplies the counts among the points of these samples by 1000 where k6 divided them. */
  repair(samples: readonly Sample[], points: (number | HistogramValue)[]): void {
    const counts: (readonly [base: string, at: number, count: number])[] = [];
    for (const { metric: { name }, value: at } of samples) {
      this.#names.add(name);
      const point = points[at];
      if (name.endsWith("_count") && typeof point === "number") {
        counts.push([name.slice(0, -"_count".length), at, point]);
      }
    }
    for (const [base, , count] of counts) if (this.#isTime(base, count)) this.#times.add(base);
    for (const [base, at, count] of counts) if (this.#times.has(base)) points[at] = Math.round(count * 1000);
  }

  #isTime(base: string, count: number): boolean {
    if (timesOfK6.has(base)) return true;
    // A gauge of the script may have such a name, but then there are no other statistics.
    const isTrend = this.#siblings.length === 0 || this.#siblings.some((suffix) => this.#names.has(base + suffix));
    return isTrend && !Number.isInteger(count);
  }
}

/** k6's own trends of times. */
const timesOfK6: ReadonlySet<string> = new Set([
  ...["blocked", "connecting", "duration", "receiving", "sending", "tls_handshaking", "waiting"].map((part) =>
    `http_req_${part}`
  ),
  ...["group_duration", "iteration_duration", "grpc_req_duration", "ws_connecting", "ws_ping", "ws_session_duration"],
  ...["browser_http_req_duration", "browser_web_vital_fcp", "browser_web_vital_fid", "browser_web_vital_inp"],
  ...["browser_web_vital_lcp", "browser_web_vital_ttfb"],
]);

/** Emits the point that was added last. */
class PointSink implements Sink {
  readonly #pointOf: (number: number) => number | HistogramValue | undefined;
  #point: number | HistogramValue = NaN;

  constructor(pointOf: (number: number) => number | HistogramValue | undefined) {
    this.#pointOf = pointOf;
  }

  add(number: number): void {
    this.#point = this.#pointOf(number) ?? this.#point;
  }

  collect(emit: Emit): void {
    emit(0, this.#point);
  }
}

/**
 * Separates the metric's name, without k6's prefix, from the tags. If there is a tag `__name__`, k6 sends this label twice, and
 * appends the statistic of a trend to the tag instead of the name.
 */
function separate(labels: readonly Label[]): { readonly name: string; readonly tags: ReadonlyMap<string, string> } {
  const [first = "", last] = labels.flatMap(({ name, value }) => name === "__name__" ? [value] : []);
  const tags = new Map(labels.flatMap(({ name, value }) => name === "__name__" ? [] : [[name, value] as const]));
  if (last === undefined) return { name: withoutPrefix(first), tags };
  const [, tag = first, stat = ""] = /_(?:total|rate)$/.test(last) ? [] : statSuffix.exec(first) ?? [];
  tags.set("__name__", tag);
  return { name: withoutPrefix(last + stat), tags };
}

function withoutPrefix(name: string): string {
  return name.startsWith(k6Prefix) ? name.slice(k6Prefix.length) : name;
}

/** Matches a name that ends in a statistic of a trend. */
const statSuffix = /^(.*)(_(?:avg|min|max|med|count|sum|p\d+))$/s;

/** Returns what k6's own output does not say: the meaning of a series, by its name. */
function metadataOf({ name, type }: Metric): Metadata {
  if (type === "trend") {
    const [, base = name, unit] = /^(.+)_(seconds|bytes)$/.exec(name) ?? [];
    return { type: "histogram", unit, help: helpOf({ name: base, type, contains: "default" }) };
  }
  if (type === "counter") {
    return { type, help: helpOf({ name: name.replace(/_total$/, ""), type, contains: "default" }) };
  }
  const [, rate] = /^(.+)_rate$/.exec(name) ?? [];
  if (rate !== undefined) {
    return { type: "gauge", unit: "ratio", help: helpOf({ name: rate, type: "rate", contains: "default" }) };
  }
  const [, trend = ""] = statSuffix.exec(name) ?? [];
  const help = helpOf({ name, type: "gauge", contains: "default" }) ??
    helpOf({ name: trend, type: "trend", contains: "default" });
  return { type: "gauge", help };
}

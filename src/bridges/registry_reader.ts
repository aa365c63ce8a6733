/**
 * Reads a registry of prom-client into time series, as a scrape of the registry would.
 *
 * @see https://github.com/siimon/prom-client
 * @module
 */
import { reasonOf } from "../model/errors.ts";
import type { Exemplar, Label, Metadata, TimeSeries } from "../model/time_series.ts";
import { abortAfter, type Sleep, untilAborted } from "../send/sleep.ts";
import type { Warnings } from "../send/warnings.ts";

/** A registry of prom-client, as far as it is used here. */
export interface PromClientRegistry {
  /** `application/openmetrics-text...` gives counters the suffix `_total`. */
  readonly contentType?: string | undefined;
  /** Returns the metrics without values. */
  getMetricsAsArray(): readonly object[];
  /** Returns the metrics with their values and default labels. */
  getMetricsAsJSON(): Promise<readonly PromClientMetric[]>;
}

/** A metric of prom-client with its values. */
export interface PromClientMetric {
  /** The name of the metric, without suffixes such as `_bucket`. */
  readonly name: string;
  /** What the metric means, in words for people. It becomes the help text of the metadata. */
  readonly help: string;
  /** The type: `counter`, `gauge`, `histogram` or `summary`. (The types of prom-client say that it is a number.) */
  readonly type: unknown;
  /** The values of all series. */
  readonly values: readonly PromClientValue[];
}

/** The value of one series of a metric, such as a bucket of a histogram. */
export interface PromClientValue {
  /** The current value, as a scrape would show it. */
  readonly value: number;
  /** The labels of the series by name, without the name of the metric. */
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  /** The name of the series, if it differs from the metric's. */
  readonly metricName?: string | undefined;
  /** The latest exemplar of the series. Its timestamp is in seconds. */
  readonly exemplar?: {
    readonly labelSet: Readonly<Partial<Record<string, string | number>>>;
    readonly value: number | null;
    readonly timestamp?: number | undefined;
  } | null;
}

/** How to read a registry. */
interface RegistryReaderOptions {
  /** Labels of all series. The registry's own labels take precedence. */
  readonly labels: Readonly<Record<string, string>>;
  /** When the counters began, in milliseconds since the Unix epoch. */
  readonly startTimeMs: number;
  /** How long a metric's `collect` may take, in milliseconds. */
  readonly collectTimeoutMs: number;
  readonly sleep: Sleep;
  /** Receives a warning if a metric cannot be read. */
  readonly warnings: Warnings;
}

/** What is remembered of a series. */
interface Remembered {
  readonly labels: readonly Label[];
  /** The metric object that it belongs to. */
  readonly owner: object;
  readonly value: number;
  /** The start timestamp, in milliseconds since the Unix epoch. */
  readonly start: number;
  /** The time of the latest exemplar, in milliseconds since the Unix epoch. */
  readonly exemplarTime: number;
}

const types: readonly Metadata["type"][] = ["counter", "gauge", "histogram", "summary"];

/** Reads one registry again and again. It remembers the last values, to notice resets and series that ended. */
export class RegistryReader {
  readonly #registry: PromClientRegistry;
  readonly #options: RegistryReaderOptions;
  #known = new Map<string, Remembered>();
  #lastTime = 0;

  constructor(registry: PromClientRegistry, options: RegistryReaderOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /** Returns the current values. A metric whose collector fails is left out, with a warning. @param time their timestamp */
  async read(time: number): Promise<TimeSeries[]> {
    const before = this.#known;
    this.#known = new Map();
    const metrics = this.#registry.getMetricsAsArray();
    // All metrics are read at the same time, as prom-client does it.
    const read = await Promise.all(metrics.map((metric) => this.#read(metric)));
    const series: TimeSeries[] = [];
    const failed = new Set<object>();
    metrics.forEach((owner, index) => {
      const metric = read[index];
      if (metric === undefined) failed.add(owner);
      else for (const value of metric.values) series.push(this.#seriesOf(value, { metric, owner, before, time }));
    });
    for (const [key, known] of before) {
      if (this.#known.has(key)) continue;
      if (failed.has(known.owner)) this.#known.set(key, known);
      // A scrape also ends a series that is gone.
      else series.push({ labels: known.labels, samples: [{ value: NaN, timestamp: time, stale: true }] });
    }
    this.#lastTime = time;
    return series;
  }

  /** Returns a metric with its values; undefined if they cannot be read. */
  async #read(metric: object): Promise<PromClientMetric | undefined> {
    const { collectTimeoutMs, sleep, warnings } = this.#options;
    const end = new AbortController();
    const clear = abortAfter(collectTimeoutMs, end, { sleep });
    try {
      // Only the registry adds its default labels, but it fails as a whole if one collector fails. So it gets one metric at a time.
      const single: PromClientRegistry = Object.create(this.#registry, {
        getMetricsAsArray: { value: () => [metric] },
      });
      const [read] = await untilAborted(single.getMetricsAsJSON(), end.signal);
      return read;
    } catch (error) {
      const name = "name" in metric ? metric.name : "without a name";
      const reason = end.signal.aborted ? `its collect() took more than ${collectTimeoutMs / 1000} s` : reasonOf(error);
      warnings.once(`Cannot read the metric ${name}: ${reason}. Only its values are missing.`);
      return undefined;
    } finally {
      clear();
    }
  }

  #seriesOf(value: PromClientValue, { metric, owner, before, time }: Context): TimeSeries {
    const isOpenMetrics = this.#registry.contentType?.startsWith("application/openmetrics-text") === true;
    const type = types.find((type) => type === metric.type) ?? "unknown";
    const suffixed = isOpenMetrics && type === "counter" ? `${metric.name.replace(/_total$/, "")}_total` : metric.name;
    const name = value.metricName ?? suffixed;
    const labels = labelsOf({ ...this.#options.labels, ...value.labels, __name__: name });
    const key = JSON.stringify(labels);
    const known = before.get(key);
    const isCumulative = type === "counter" || (type !== "gauge" && name !== metric.name);
    // A total that fell began again after the last read.
    const wasReset = known !== undefined && value.value < known.value;
    const start = wasReset ? this.#lastTime : known?.start ?? this.#options.startTimeMs;
    const exemplar = exemplarOf(value, time);
    const exemplarTime = Number(exemplar?.timestamp ?? 0);
    this.#known.set(key, { labels, owner, value: value.value, start, exemplarTime });
    return {
      labels,
      samples: [{ value: value.value, timestamp: time, ...(isCumulative && { startTimestamp: start }) }],
      // Receivers need each exemplar once.
      ...(exemplar && exemplarTime !== known?.exemplarTime && { exemplars: [exemplar] }),
      metadata: { type, help: metric.help },
    };
  }
}

/** What belongs to all values of a metric. */
interface Context {
  readonly metric: PromClientMetric;
  readonly owner: object;
  readonly before: ReadonlyMap<string, Remembered>;
  readonly time: number;
}

function labelsOf(labels: PromClientValue["labels"]): Label[] {
  return Object.entries(labels).map(([name, value]) => ({ name, value: String(value ?? "") }));
}

function exemplarOf({ value, exemplar }: PromClientValue, time: number): Exemplar | undefined {
  if (!exemplar || Object.keys(exemplar.labelSet).length === 0) return undefined;
  const timestamp = exemplar.timestamp === undefined ? time : Math.round(exemplar.timestamp * 1000);
  return { labels: labelsOf(exemplar.labelSet), value: exemplar.value ?? value, timestamp };
}

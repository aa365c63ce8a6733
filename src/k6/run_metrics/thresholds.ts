/**
 * Thresholds as series: the bound of each, and at the end whether it held.
 *
 * @module
 */
import { CounterSink, GaugeSink, RateSink, type Sink } from "../sinks/sink.ts";
import { TrendSink } from "../sinks/trend_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import type { Metric, Threshold } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { type MetricSelector, parseMetricSelector, selects } from "./metric_selector.ts";
import { type Aggregation, hasAggregation, parseThreshold, type ThresholdExpression } from "./threshold_expression.ts";

/** The bound of a threshold, with the tags `metric` and `expression`; in seconds for times. */
export const thresholdMetric: Metric = { name: "threshold", type: "gauge", contains: "default" };

/** Whether a threshold held, with the same tags: 1 or 0. */
export const thresholdPassedMetric: Metric = { name: "threshold_passed", type: "gauge", contains: "default" };

/** Thresholds by metric, as in the options of a k6 script. */
export type ThresholdConfigs = Readonly<Record<string, readonly Threshold[]>>;

/** Thresholds of one metric, or of a part of it. */
export interface ThresholdGroup {
  readonly selector: MetricSelector;
  readonly expressions: readonly ThresholdExpression[];
}

/** @throws ConfigurationError for what has not k6's form */
export function parseThresholds(configs: ThresholdConfigs): ThresholdGroup[] {
  return Object.entries(configs).map(([text, expressions]) => ({
    selector: parseMetricSelector(text),
    expressions: [expressions].flat().map(parseThreshold),
  }));
}

/** What thresholds are made of. */
export interface ThresholdsOptions {
  /** Beside those that the metrics bring along. */
  readonly groups: readonly ThresholdGroup[];
  /** Told of each threshold that is left out. */
  onWarning(message: string): void;
}

/** Values of a metric up to which a percentile is as exact as k6's: 8 MB, once a metric. */
const maxExactValues = 1_000_000;

/** An expression, and the tags of its series: the same object each time. */
interface WatchedExpression extends ThresholdExpression {
  readonly tags: Tags;
}

/** A group at work. */
interface Watch {
  readonly metric: Metric;
  readonly selector: MetricSelector;
  readonly expressions: WatchedExpression[];
  /** Over all series of the metric. */
  readonly sink: Sink;
  /** Of the latest sample, in milliseconds. */
  time: number;
  /** Whether something came in since the last time. */
  pending: boolean;
}

/** Watches samples on their way. */
export class Thresholds {
  readonly #options: ThresholdsOptions;
  /** By what they select. */
  readonly #watches = new Map<string, Watch>();
  readonly #byMetric = new WeakMap<Metric, readonly Watch[]>();
  #begin = Infinity;
  #end = -Infinity;

  constructor(options: ThresholdsOptions) {
    this.#options = options;
  }

  /** Takes a sample. */
  add({ metric, value, time, tags }: Sample): void {
    if (!Number.isFinite(value) || !Number.isFinite(time)) return;
    if (time < this.#begin) this.#begin = time;
    if (time > this.#end) this.#end = time;
    let watches = this.#byMetric.get(metric);
    if (watches === undefined) {
      watches = this.#watch(metric);
      this.#byMetric.set(metric, watches);
    }
    for (const watch of watches) {
      if (!selects(watch.selector, tags)) continue;
      watch.sink.add(value, time);
      watch.pending = true;
      if (time > watch.time) watch.time = time;
    }
  }

  /** The bounds of the metrics to which something came since the last time, at the time of their latest sample. */
  takeBounds(): Sample[] {
    return [...this.#watches.values()].filter(({ pending }) => pending).flatMap((watch) => {
      watch.pending = false;
      return samplesOf(thresholdMetric, watch, ({ bound, aggregation }) => {
        const isTime = watch.metric.contains === "time" && aggregation !== "count" && aggregation !== "rate";
        return isTime ? bound / 1000 : bound;
      });
    });
  }

  /** Whether each threshold held, of the metrics that have samples. */
  verdicts(): Sample[] {
    return [...this.#watches.values()].filter(({ time }) => time !== -Infinity).flatMap((watch) => {
      return samplesOf(thresholdPassedMetric, watch, (expression) => {
        const value = valueOf(watch.sink, expression.aggregation);
        const isPerSecond = watch.metric.type === "counter" && expression.aggregation === "rate";
        // k6 divides by the run's duration; here it is that from the first sample to the last.
        return expression.holds(isPerSecond ? value / ((this.#end - this.#begin) / 1000) : value) ? 1 : 0;
      });
    });
  }

  #watch(metric: Metric): Watch[] {
    const own = (metric.thresholds ?? []).flatMap((text) => this.#parse(text, metric));
    // Not parsed: a name may hold what has a meaning in a selector.
    const whole: MetricSelector = { text: metric.name, name: metric.name, tags: [] };
    const groups = new Map([[metric.name, { selector: whole, expressions: own }]]);
    for (const { selector, expressions } of this.#options.groups) {
      if (selector.name !== metric.name) continue;
      const before = groups.get(selector.text)?.expressions ?? [];
      const further = expressions.filter(({ text }) => before.every((other) => other.text !== text));
      groups.set(selector.text, { selector, expressions: [...before, ...further] });
    }
    return [...groups.values()].flatMap((group) => this.#watchOf(metric, group) ?? []);
  }

  /** The watch of a group, with all of its expressions: another object may have described the same metric before. */
  #watchOf(metric: Metric, { selector, expressions }: ThresholdGroup): Watch | undefined {
    const known = this.#watches.get(selector.text);
    const { type } = known?.metric ?? metric;
    const further = expressions.filter(({ text, aggregation }) => {
      if (known?.expressions.some((other) => other.text === text)) return false;
      const fits = hasAggregation(type, aggregation);
      if (!fits) this.#leaveOut(text, metric, `a ${type} has no such value`);
      return fits;
    }).map((expression) => ({ ...expression, tags: { metric: selector.text, expression: expression.text } }));
    if (known === undefined && further.length === 0) return undefined;
    const watch: Watch = known ??
      { metric, selector, expressions: [], sink: createSink(metric), time: -Infinity, pending: false };
    watch.expressions.push(...further);
    this.#watches.set(selector.text, watch);
    return watch;
  }

  #parse(text: string, metric: Metric): readonly ThresholdExpression[] {
    try {
      return [parseThreshold(text)];
    } catch {
      this.#leaveOut(text, metric, "it is no expression of k6's");
      return [];
    }
  }

  #leaveOut(text: string, metric: Metric, reason: string): void {
    this.#options.onWarning(`The threshold "${text}" of ${metric.name} is left out: ${reason}.`);
  }
}

/** That of trends keeps what any expression may compare, as one may come later. */
function createSink({ type }: Metric): Sink {
  switch (type) {
    case "counter":
      return new CounterSink();
    case "gauge":
      return new GaugeSink();
    case "rate":
      return new RateSink({ counters: false });
    case "trend":
      return new TrendSink(parseTrendStats(["med"]), { scale: 1, window: "run", maxExactValues });
  }
}

function valueOf(sink: Sink, aggregation: Aggregation): number {
  if (sink instanceof TrendSink && aggregation !== "value" && aggregation !== "rate") return sink.read(aggregation);
  let only = NaN;
  sink.collect((_, value) => only = Number(value));
  return only;
}

function samplesOf(
  metric: Metric,
  { time, expressions }: Watch,
  valueOf: (expression: ThresholdExpression) => number,
): Sample[] {
  return expressions.map((expression) => ({ metric, time, value: valueOf(expression), tags: expression.tags }));
}

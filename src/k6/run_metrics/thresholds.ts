/**
 * Thresholds as series: the bound of each threshold, and at the end of the run whether the threshold passed.
 *
 * @module
 */
import { CounterSink, GaugeSink, RateSink, type Sink } from "../sinks/sink.ts";
import { TrendSink } from "../sinks/trend_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import type { Metric, Threshold } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { type MetricSelector, parseMetricSelector, selects } from "./metric_selector.ts";
import { markUncalled } from "../uncalled.ts";
import { ConfigurationError } from "../../model/errors.ts";
import { type RunMetrics, type RunMetricsContext, type RunMetricsFactory, withTestid } from "./run_metrics.ts";
import { type Aggregation, hasAggregation, parseThreshold, type ThresholdExpression } from "./threshold_expression.ts";

/** The bound of a threshold, with the tags `metric` and `expression`. Bounds of times are in seconds. */
const thresholdMetric: Metric = { name: "threshold", type: "gauge", contains: "default" };

/** 1 if a threshold passed, 0 if it failed, with the same tags. */
const thresholdPassedMetric: Metric = { name: "threshold_passed", type: "gauge", contains: "default" };

/** The thresholds of a metric, or of the samples of a metric that have certain tags. */
export interface ThresholdGroup {
  /** Selects the samples that the thresholds judge. */
  readonly selector: MetricSelector;
  /** The thresholds of these samples. */
  readonly expressions: readonly ThresholdExpression[];
}

/**
 * Returns the value of the output's option `thresholds`: sends `k6_threshold`, the bound of each threshold, and at the end
 * `k6_threshold_passed`, which is 1 or 0. Times are in seconds. The thresholds are those of the metrics (`Metric.thresholds`),
 * and the groups given here. k6's further settings, such as `abortOnFail`, have no effect.
 *
 * @param groups thresholds by metric, as in the options of a k6 script
 * @throws {ConfigurationError} naming what is not in k6's form
 * @example
 * ```ts
 * import { RemoteWriteOutput, thresholds } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({
 *   thresholds: thresholds({ "http_req_duration{status:200}": ["p(95)<500"] }),
 * });
 * await output.close();
 * ```
 */
export function thresholds(groups: Readonly<Record<string, readonly Threshold[]>> = {}): RunMetricsFactory {
  const parsed = parseThresholdGroups(groups);
  return (context) => withTestid(new Thresholds(parsed, context));
}

markUncalled(thresholds);

/**
 * Reads thresholds by metric, as in the options of a k6 script.
 *
 * @throws {ConfigurationError} naming what is not in k6's form
 */
export function parseThresholdGroups(groups: Readonly<Record<string, readonly Threshold[]>>): ThresholdGroup[] {
  if (typeof groups !== "object" || groups === null || Array.isArray(groups)) {
    const shown = JSON.stringify(groups);
    throw new ConfigurationError(
      `Cannot read thresholds: they are ${shown}, expected an object { metric: ["p(95)<500"] }`,
    );
  }
  return Object.entries(groups).map(([text, expressions]) => ({
    selector: parseMetricSelector(text),
    expressions: [expressions].flat().map(parseThreshold),
  }));
}

/** Percentiles are as exact as k6's up to this number of values of a metric, which take 8 MB. */
const maxExactValues = 1_000_000;

/** An expression with the tags of its series, which are always the same object. */
interface WatchedExpression extends ThresholdExpression {
  readonly tags: Tags;
}

/** The state of a group. */
interface Watch {
  readonly metric: Metric;
  readonly selector: MetricSelector;
  readonly expressions: WatchedExpression[];
  /** Aggregates over all series of the metric. */
  readonly sink: Sink;
  /** The time of the latest sample, in milliseconds. */
  time: number;
  /** Whether samples arrived since the last flush. */
  pending: boolean;
}

/** Evaluates the thresholds of a run from its samples. */
class Thresholds implements RunMetrics {
  readonly metrics = [thresholdMetric, thresholdPassedMetric];
  readonly #groups: readonly ThresholdGroup[];
  readonly #context: RunMetricsContext;
  /** The watches by their selector, as it is written. */
  readonly #watches = new Map<string, Watch>();
  readonly #byMetric = new WeakMap<Metric, readonly Watch[]>();
  #begin = Infinity;
  #end = -Infinity;

  constructor(groups: readonly ThresholdGroup[], context: RunMetricsContext) {
    this.#groups = groups;
    this.#context = context;
  }

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

  /** Returns the bounds for the metrics with samples since the last flush, at the time of their latest sample. */
  take(): Sample[] {
    return [...this.#watches.values()].filter(({ pending }) => pending).flatMap((watch) => {
      watch.pending = false;
      return samplesOf(thresholdMetric, watch, ({ bound, aggregation }) => {
        const isTime = watch.metric.contains === "time" && aggregation !== "count" && aggregation !== "rate";
        return isTime ? bound / 1000 : bound;
      });
    });
  }

  /** Returns whether each threshold passed, for the metrics that have samples. */
  verdicts(): Sample[] {
    return [...this.#watches.values()].filter(({ time }) => time !== -Infinity).flatMap((watch) => {
      return samplesOf(thresholdPassedMetric, watch, (expression) => {
        const value = valueOf(watch.sink, expression.aggregation);
        const isPerSecond = watch.metric.type === "counter" && expression.aggregation === "rate";
        // k6 divides by the duration of the run; here that is the time from the first sample to the last.
        return expression.holds(isPerSecond ? value / ((this.#end - this.#begin) / 1000) : value) ? 1 : 0;
      });
    });
  }

  #watch(metric: Metric): Watch[] {
    const own = (metric.thresholds ?? []).flatMap((text) => this.#parse(text, metric));
    // The name is not parsed, because it may contain the characters of a selector.
    const whole: MetricSelector = { text: metric.name, name: metric.name, tags: [] };
    const groups = new Map([[metric.name, { selector: whole, expressions: own }]]);
    for (const { selector, expressions } of this.#groups) {
      if (selector.name !== metric.name) continue;
      const before = groups.get(selector.text)?.expressions ?? [];
      const further = expressions.filter(({ text }) => before.every((other) => other.text !== text));
      groups.set(selector.text, { selector, expressions: [...before, ...further] });
    }
    return [...groups.values()].flatMap((group) => this.#watchOf(metric, group) ?? []);
  }

  /** Returns the watch of a group with all its expressions. Another object may have described the same metric before. */
  #watchOf(metric: Metric, { selector, expressions }: ThresholdGroup): Watch | undefined {
    const known = this.#watches.get(selector.text);
    const { type } = known?.metric ?? metric;
    const further = expressions.filter(({ text, aggregation }) => {
      if (known?.expressions.some((other) => other.text === text)) return false;
      const fits = hasAggregation(type, aggregation);
      if (!fits) this.#leaveOut(text, metric, `a metric of the type ${type} has no such value`);
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
      this.#leaveOut(text, metric, "it is not a threshold expression of k6");
      return [];
    }
  }

  #leaveOut(text: string, metric: Metric, reason: string): void {
    this.#context.onWarning(`The threshold "${text}" of ${metric.name} is not sent: ${reason}.`);
  }
}

/** Returns a sink for a metric. A trend's sink can evaluate any expression, because further expressions may follow. */
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

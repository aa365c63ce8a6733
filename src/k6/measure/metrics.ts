/**
 * Custom metrics, with k6's rules.
 *
 * @see https://grafana.com/docs/k6/latest/javascript-api/k6-metrics/
 * @module
 */
import { type Metric, type MetricType, type ValueType, valueTypes } from "../metric.ts";
import { checkSampleConsumer, type SampleConsumer, type Tags } from "../sample.ts";
import { k6Metrics } from "../read/k6_metrics.ts";
import { checkOptions, type OptionDefinitions } from "../../client/option_definition.ts";
import { checkObject, clockDefinitions } from "./instrumented_fetch.ts";

/** The unit of a metric's values. */
export interface MetricOptions {
  /** Plain numbers (`default`), milliseconds (`time`) or bytes (`data`). @default "default" */
  readonly contains?: ValueType | undefined;
  /** True is the same as `contains: "time"`. It is the second argument of k6's constructors. @default false */
  readonly isTime?: boolean | undefined;
}

/** How to add a value. */
export interface AddOptions {
  /** When the value was measured, in milliseconds since the Unix epoch. @default the time of the call */
  readonly time?: number | undefined;
}

/** The options of `createMetrics`: tags of all values, and the clock. */
export interface MetricsOptions {
  /** Tags that every value gets. A tag of the same name that is given with a value wins. @default {} */
  readonly tags?: Tags | undefined;
  /** Returns the time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** A metric to which values can be added. */
export interface CustomMetric<Value extends number | boolean = number> {
  /** The name of the metric, as in the script, without the output's prefix. */
  readonly name: string;
  /** How many values were refused because they are not finite numbers, in all forms of this metric. */
  readonly refused: number;
  /**
   * Adds a value. Returns false if the value was refused.
   *
   * A counter accepts negative values, as in k6, but Prometheus reads a falling total as a restart.
   */
  add(value: Value, tags?: Tags, options?: AddOptions): boolean;
  /** Returns the same metric with additional tags for every value. This is the fast form: its tags are processed once. */
  with(tags: Tags): CustomMetric<Value>;
}

/** Adds values up, such as requests, bytes or orders. */
export type Counter = CustomMetric<number>;
/** A metric that keeps the last value, like k6's `Gauge`. */
export type Gauge = CustomMetric<number>;
/** Computes the share of values that are true or not zero. */
export type Rate = CustomMetric<number | boolean>;
/** Describes the distribution of values: minimum, maximum, average and percentiles. */
export type Trend = CustomMetric<number>;

/**
 * Defines metrics by name. The same definition twice returns the same metric.
 *
 * Each method throws a `TypeError` if the name is not valid or belongs to a metric of another type or unit, and a
 * `ConfigurationError` for wrong options.
 */
export interface Metrics {
  /** Returns the counter of this name, which adds up its values. @throws {TypeError} for a wrong name, or one of another type */
  counter(name: string, options?: MetricOptions): Counter;
  /** Returns the gauge of this name, which keeps its last value. @throws {TypeError} as `counter` does */
  gauge(name: string, options?: MetricOptions): Gauge;
  /** Returns the rate of this name: the share of values that are true or not 0. @throws {TypeError} as `counter` does */
  rate(name: string, options?: MetricOptions): Rate;
  /** Returns the trend of this name, which describes the distribution of its values. @throws {TypeError} as `counter` does */
  trend(name: string, options?: MetricOptions): Trend;
}

/** The part that all forms of one metric share. */
interface Definition {
  readonly metric: Metric;
  readonly output: SampleConsumer;
  readonly now: () => number;
  refused: number;
}

class DefinedMetric implements CustomMetric<number | boolean> {
  readonly #definition: Definition;
  readonly #tags: Tags;

  /** @param tags tags of every value; frozen */
  constructor(definition: Definition, tags: Tags) {
    this.#definition = definition;
    this.#tags = tags;
  }

  get name(): string {
    return this.#definition.metric.name;
  }

  get refused(): number {
    return this.#definition.refused;
  }

  add(value: number | boolean, tags?: Tags, options?: AddOptions): boolean {
    const { metric, output, now } = this.#definition;
    // JavaScript callers may pass anything, and Number() would convert null and "" to 0.
    const number = typeof value === "boolean" ? Number(value) : value;
    if (!Number.isFinite(number)) {
      this.#definition.refused++;
      return false;
    }
    output.add({
      metric,
      time: options?.time ?? now(),
      value: metric.type === "rate" ? Number(number !== 0) : number,
      tags: mergeTags(this.#tags, tags),
    });
    return true;
  }

  with(tags: Tags): DefinedMetric {
    return new DefinedMetric(this.#definition, Object.freeze({ ...this.#tags, ...tags }));
  }
}

/** The names that k6 accepts for a metric. */
const validName = /^[a-zA-Z_][a-zA-Z0-9_]{1,128}$/;

const noTags: Tags = Object.freeze({});

const metricsDefinitions: OptionDefinitions<MetricsOptions, never> = {
  tags: { kind: "tags", default: noTags, check: checkObject },
  now: clockDefinitions.now,
};

/** The default of `contains` depends on `isTime`. */
const metricDefinitions: OptionDefinitions<MetricOptions, keyof MetricOptions> = {
  contains: { kind: "choice", choices: valueTypes },
  isTime: { kind: "boolean" },
};

/**
 * Makes metrics that add their samples to an output. Call it once per output: only metrics of one call are compared with each
 * other, and conflicting definitions are an error.
 *
 * @throws {ConfigurationError} for wrong options
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { createMetrics } from "k6-remote-write/measure";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const { counter, trend } = createMetrics(output);
 * const orders = counter("orders_placed");
 * const wait = trend("waiting_time", { contains: "time" }).with({ page: "basket" });
 * orders.add(1, { sku: "a" });
 * wait.add(12.5);
 * await output.close();
 * ```
 */
export function createMetrics(output: SampleConsumer, options: MetricsOptions = {}): Metrics {
  checkSampleConsumer(output);
  const { now, tags: given } = checkOptions(options, metricsDefinitions);
  const tags = given === noTags ? noTags : Object.freeze({ ...given });
  const metrics = new Map<string, DefinedMetric>();
  const definitions = new Map<string, Metric>(Object.entries(k6Metrics));

  function define(type: MetricType, name: string, options: MetricOptions = {}): DefinedMetric {
    const contains = containsOf(name, options);
    const known = definitions.get(name);
    if (known !== undefined && (known.type !== type || known.contains !== contains)) {
      throw new TypeError(
        `Cannot define the metric ${name}: it is a ${type} of ${contains} values here and a ${known.type} of ` +
          `${known.contains} values elsewhere, expected the same`,
      );
    }
    if (!validName.test(name)) {
      throw new TypeError(
        `Cannot define a metric: its name is ${JSON.stringify(name)}, expected 2 to 129 ASCII letters, digits and ` +
          "underscores that do not begin with a digit",
      );
    }
    let metric = metrics.get(name);
    if (metric === undefined) {
      const definition = { metric: known ?? Object.freeze({ name, type, contains }), output, now, refused: 0 };
      metric = new DefinedMetric(definition, tags);
      definitions.set(name, definition.metric);
      metrics.set(name, metric);
    }
    return metric;
  }

  return {
    counter: (name, options) => define("counter", name, options),
    gauge: (name, options) => define("gauge", name, options),
    rate: (name, options) => define("rate", name, options),
    trend: (name, options) => define("trend", name, options),
  };
}

function containsOf(name: string, options: MetricOptions): ValueType {
  const { contains, isTime } = checkOptions(options, metricDefinitions);
  if (isTime !== undefined && contains !== undefined && isTime !== (contains === "time")) {
    throw new TypeError(
      `Cannot define the metric ${name}: isTime is ${isTime} and contains is ${contains}, expected one of them`,
    );
  }
  return contains ?? (isTime === true ? "time" : "default");
}

/** Returns a frozen object as it is, so that the store finds it again, and copies others, which their owner may change. */
function mergeTags(bound: Tags, tags: Tags | undefined): Tags {
  if (tags === undefined) return bound;
  return bound === noTags && Object.isFrozen(tags) ? tags : { ...bound, ...tags };
}

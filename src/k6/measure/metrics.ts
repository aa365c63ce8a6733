/**
 * Metrics of one's own, by k6's rules.
 *
 * @see https://grafana.com/docs/k6/latest/javascript-api/k6-metrics/
 * @module
 */
import type { Metric, MetricType, ValueType } from "../metric.ts";
import type { SampleConsumer, Tags } from "../sample.ts";
import { k6Metrics } from "../read/k6_metrics.ts";

/** What a metric's values are. */
export interface MetricOptions {
  /** Plain numbers, milliseconds (`time`) or bytes (`data`). @default "default" */
  readonly contains?: ValueType | undefined;
  /** Short for `contains: "time"`, as the second argument of k6's constructors. @default false */
  readonly isTime?: boolean | undefined;
}

/** How to add a value. */
export interface AddOptions {
  /** When it was measured, in milliseconds since the Unix epoch. @default the time of the call */
  readonly time?: number | undefined;
}

/** How to make metrics. */
export interface MetricsOptions {
  /** Tags of every value. @default {} */
  readonly tags?: Tags | undefined;
  /** The time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** A metric to which values can be added. */
export interface CustomMetric<Value extends number | boolean = number> {
  /** The metric's name. */
  readonly name: string;
  /** How many values were refused because they are no finite number, over all forms of this metric. */
  readonly refused: number;
  /**
   * Adds a value; false if it was refused.
   *
   * A counter takes negative values, as in k6, but Prometheus reads a total that falls as a restart.
   */
  add(value: Value, tags?: Tags, options?: AddOptions): boolean;
  /** The same metric with tags that every value gets: the fast form, as its tags are looked at only once. */
  with(tags: Tags): CustomMetric<Value>;
}

/** Adds up: requests, bytes, orders. */
export type Counter = CustomMetric<number>;
/** Keeps the last value. */
export type Gauge = CustomMetric<number>;
/** The share of values that are true or not zero. */
export type Rate = CustomMetric<number | boolean>;
/** The spread of values: min, max, average, percentiles. */
export type Trend = CustomMetric<number>;

/** Defines metrics by name. The same definition twice gives the same metric. */
export interface Metrics {
  /** Defines a counter. @throws {TypeError} if the name is not valid or means another metric */
  counter(name: string, options?: MetricOptions): Counter;
  /** Defines a gauge. @throws {TypeError} if the name is not valid or means another metric */
  gauge(name: string, options?: MetricOptions): Gauge;
  /** Defines a rate. @throws {TypeError} if the name is not valid or means another metric */
  rate(name: string, options?: MetricOptions): Rate;
  /** Defines a trend. @throws {TypeError} if the name is not valid or means another metric */
  trend(name: string, options?: MetricOptions): Trend;
}

/** What all forms of one metric share. */
interface Definition {
  readonly metric: Metric;
  readonly output: SampleConsumer;
  readonly now: () => number;
  refused: number;
}

class DefinedMetric implements CustomMetric<number | boolean> {
  readonly #definition: Definition;
  readonly #bound: Tags | undefined;

  /** @param bound tags of every value; frozen */
  constructor(definition: Definition, bound?: Tags) {
    this.#definition = definition;
    this.#bound = bound;
  }

  get name(): string {
    return this.#definition.metric.name;
  }

  get refused(): number {
    return this.#definition.refused;
  }

  add(value: number | boolean, tags?: Tags, options?: AddOptions): boolean {
    const { metric, output, now } = this.#definition;
    // Outside TypeScript the value may be anything, and Number() would make a zero of null or "".
    const number = typeof value === "boolean" ? Number(value) : value;
    if (!Number.isFinite(number)) {
      this.#definition.refused++;
      return false;
    }
    output.add({
      metric,
      time: options?.time ?? now(),
      value: metric.type === "rate" ? Number(number !== 0) : number,
      tags: mergeTags(this.#bound, tags),
    });
    return true;
  }

  with(tags: Tags): DefinedMetric {
    return new DefinedMetric(this.#definition, Object.freeze({ ...this.#bound, ...tags }));
  }
}

// k6's own rule, two characters at least.
const validName = /^[a-zA-Z_][a-zA-Z0-9_]{1,128}$/;

/**
 * Makes metrics that add to an output. Call it once for an output: what is defined twice is only noticed here.
 *
 * @example
 * ```ts
 * import { createMetrics, RemoteWriteOutput } from "k6-remote-write";
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
  const { now = Date.now } = options;
  const tags = options.tags && Object.freeze({ ...options.tags });
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

function containsOf(name: string, { contains, isTime }: MetricOptions): ValueType {
  if (isTime !== undefined && contains !== undefined && isTime !== (contains === "time")) {
    throw new TypeError(
      `Cannot define the metric ${name}: isTime is ${isTime} and contains is ${contains}, expected one of them`,
    );
  }
  return contains ?? (isTime === true ? "time" : "default");
}

const noTags: Tags = Object.freeze({});

/** A frozen object is taken as it is; any other is copied, as its owner may change it. */
function mergeTags(bound: Tags | undefined, tags: Tags | undefined): Tags {
  if (tags === undefined) return bound ?? noTags;
  return bound === undefined && Object.isFrozen(tags) ? tags : { ...bound, ...tags };
}

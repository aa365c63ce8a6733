/**
 * The metrics that a reader knows by name.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import { k6Metrics } from "./k6_metrics.ts";

/** Enough names for a message. An input with very many wrong names must not fill the memory. */
const maxUnknownNames = 100;

/** k6's own metrics, those of the caller, and those that the input announces. A later definition replaces an earlier one. */
export class MetricTable {
  readonly #metrics: Map<string, Metric>;
  readonly #unknown = new Set<string>();

  /** @param metrics those that the caller knows in addition to k6's own */
  constructor(metrics: readonly Metric[] = []) {
    this.#metrics = new Map([...Object.values(k6Metrics), ...metrics].map((metric) => [metric.name, metric]));
  }

  /** Returns all known metrics: k6's own, the caller's and those of the input. */
  all(): Iterable<Metric> {
    return this.#metrics.values();
  }

  /** Returns the metric of a sample. If its name is unknown, it is remembered. */
  find(name: string): Metric | undefined {
    const metric = this.#metrics.get(name);
    if (metric === undefined && this.#unknown.size < maxUnknownNames) this.#unknown.add(name);
    return metric;
  }

  /** Adds a metric. It replaces one of the same name. */
  set(metric: Metric): void {
    this.#metrics.set(metric.name, metric);
  }

  /** The first unknown names of samples, at most 100. */
  get unknownNames(): readonly string[] {
    return [...this.#unknown];
  }
}

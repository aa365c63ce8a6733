/**
 * A trend as one float per statistic.
 *
 * @module
 */
import { ExactValues, quantileOf } from "./ordered_values.ts";
import { QuantileSketch } from "./quantile_sketch.ts";
import type { Emit, Sink } from "./sink.ts";
import type { TrendStat } from "./trend_stats.ts";

/** The values that a trend's median and percentiles describe: all values of the run, or those since the last flush. */
export type TrendWindow = "run" | "interval";

/** How a trend is aggregated. */
export interface TrendSinkOptions {
  /** Factor from the sample's unit to the unit that is sent: 1/1000 turns milliseconds into seconds. */
  readonly scale: number;
  /** Up to this number of values per series, percentiles are exact; with more, they have an error of at most 0.5 %. */
  readonly maxExactValues: number;
  /** The values that the median and the percentiles describe. */
  readonly window: TrendWindow;
}

/** 10,000 values take 80 KB per series, and most series of a run have far fewer. */
export const trendSinkDefaults: Pick<TrendSinkOptions, "maxExactValues"> = { maxExactValues: 10_000 };

/**
 * Aggregates a trend as k6 does, in bounded memory.
 *
 * `min`, `max`, `avg`, `sum` and `count` are exact and describe the whole run, whatever the window is. The median and the
 * percentiles are interpolated as in k6. They are exact up to `maxExactValues` values, and within 0.5 % beyond. With the
 * window `interval` they describe the values since the last `collect`; without new values, the last interval is repeated.
 *
 * The sink ignores values that are not finite: k6 has none, and one would make `avg` and `sum` useless from then on.
 *
 * It emits one float per statistic, in the given order, and nothing before the first value.
 */
export class TrendSink implements Sink {
  readonly #stats: readonly TrendStat[];
  readonly #options: TrendSinkOptions;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  /** Undefined up to the first value, which is also the minimum; null if no statistic needs them. */
  #values: ExactValues | QuantileSketch | null | undefined;
  #intervalEnded = false;

  /**
   * @param stats the statistics to emit, from `parseTrendStats`
   * @param options the sinks of many series can share the object, to need less memory
   */
  constructor(stats: readonly TrendStat[], options: TrendSinkOptions) {
    this.#stats = stats;
    this.#options = options;
    if (!stats.some((stat) => typeof stat.of === "object")) this.#values = null;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    if (this.#values === undefined && this.#count === 1) {
      this.#values = new ExactValues(this.#options.maxExactValues);
      this.#values.add(this.#min);
    }
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#values === null || this.#values === undefined) return;
    if (this.#intervalEnded) {
      this.#intervalEnded = false;
      this.#values = new ExactValues(this.#options.maxExactValues);
    }
    if (this.#values instanceof ExactValues && this.#values.full) {
      const sketch = new QuantileSketch();
      this.#values.forEach((exact) => sketch.add(exact));
      this.#values = sketch;
    }
    this.#values.add(value);
  }

  collect(emit: Emit): void {
    if (this.#count === 0) return;
    let output = 0;
    for (const { of } of this.#stats) emit(output++, this.read(of));
    this.#intervalEnded = this.#options.window === "interval";
  }

  /** Returns one statistic of the values. Quantiles are available only if one of the emitted statistics is a quantile. */
  read(of: TrendStat["of"]): number {
    // k6 also divides the count of times by 1000, although a count has no unit. A multiplication by 1/1000 rounds differently from
    // k6's division.
    return of === "count" ? this.#count : this.#unscaled(of) / (1 / this.#options.scale);
  }

  #unscaled(of: Exclude<TrendStat["of"], "count">): number {
    switch (of) {
      case "avg":
        return this.#sum / this.#count;
      case "min":
        return this.#min;
      case "max":
        return this.#max;
      case "sum":
        return this.#sum;
      default:
        if (this.#values === null || this.#count === 0) return 0;
        return this.#values === undefined ? this.#min : quantileOf(this.#values, of.quantile);
    }
  }
}

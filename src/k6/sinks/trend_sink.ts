/**
 * A trend as one float for each of its stats.
 *
 * @module
 */
import { ExactValues } from "./exact_values.ts";
import { quantileOf } from "./quantile.ts";
import { QuantileSketch } from "./quantile_sketch.ts";
import type { Emit, Sink } from "./sink.ts";
import type { TrendStat } from "./trend_stats.ts";

/** What a trend's median and percentiles are of: all values so far, or those since the last flush. */
export type TrendWindow = "run" | "interval";

/** How a trend is aggregated. */
export interface TrendSinkOptions {
  /** What values are multiplied with: 1/1000 makes seconds of milliseconds. @default 1 */
  readonly scale?: number;
  /** Values of a series up to which percentiles are exact; with more, they have an error of at most 0.5 %. @default 10_000 */
  readonly maxExactValues?: number;
  /** What the median and the percentiles are of. @default "run" */
  readonly window?: TrendWindow;
}

/** 10,000 values are 80 KB a series, and far more than most series of a run have. */
export const trendSinkDefaults: Required<TrendSinkOptions> = { scale: 1, maxExactValues: 10_000, window: "run" };

/**
 * Aggregates a trend as k6 does, with bounded memory.
 *
 * `min`, `max`, `avg`, `sum` and `count` are exact and of the whole run, whatever the window. The median and the
 * percentiles are interpolated as in k6, exact up to a number of values, and then within 0.5 %. With the window
 * `interval` they are of the values since the last `collect`; without new values, those of the last interval stay.
 *
 * Values that are not finite are left out: k6 has none, and one would make `avg` and `sum` useless from then on.
 *
 * Emits one float for each stat, in the order given; nothing before the first value.
 */
export class TrendSink implements Sink {
  readonly #stats: readonly TrendStat[];
  readonly #divisor: number;
  readonly #maxExactValues: number;
  readonly #window: TrendWindow;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  /** None if no stat needs them. */
  #values: ExactValues | QuantileSketch | undefined;
  #intervalEnded = false;

  /** @param stats what to emit: what `parseTrendStats` gives */
  constructor(stats: readonly TrendStat[], options: TrendSinkOptions = {}) {
    const defaults = trendSinkDefaults;
    const { scale = defaults.scale, maxExactValues = defaults.maxExactValues, window = defaults.window } = options;
    this.#stats = stats;
    // k6 divides by 1000, and multiplying by 1/1000 rounds otherwise.
    this.#divisor = 1 / scale;
    this.#maxExactValues = maxExactValues;
    this.#window = window;
    if (stats.some((stat) => typeof stat.of === "object")) this.#values = new ExactValues(maxExactValues);
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#values === undefined) return;
    if (this.#intervalEnded) {
      this.#intervalEnded = false;
      this.#values = new ExactValues(this.#maxExactValues);
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
    // By index, as this runs for every series at every flush.
    for (let output = 0; output < this.#stats.length; output++) {
      const of = this.#stats[output]?.of;
      if (of !== undefined) emit(output, this.read(of));
    }
    this.#intervalEnded = this.#window === "interval";
  }

  /** One number told of the values; a quantile only if a stat that is emitted is one, too. */
  read(of: TrendStat["of"]): number {
    switch (of) {
      // A count has no unit; k6 divides that of times too.
      case "count":
        return this.#count;
      case "avg":
        return this.#sum / this.#count / this.#divisor;
      case "min":
        return this.#min / this.#divisor;
      case "max":
        return this.#max / this.#divisor;
      case "sum":
        return this.#sum / this.#divisor;
      default:
        return this.#values === undefined ? 0 : quantileOf(this.#values, of.quantile) / this.#divisor;
    }
  }
}

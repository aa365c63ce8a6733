/**
 * A trend as a Prometheus classic histogram: one counter for each upper bound, which add up over instances.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Emit, Sink } from "./sink.ts";

/** How a classic histogram counts. */
export interface ClassicHistogramOptions {
  /** What values are multiplied with before they are compared: 1/1000 makes seconds of milliseconds. @default 1 */
  readonly scale?: number;
}

/**
 * Counts values up to and including each bound. NaN and what is above all bounds is counted in `+Inf`, as in
 * Prometheus's clients.
 *
 * Emits the cumulative count of each bound, then that of `+Inf`, the sum and the count: three outputs more than bounds.
 */
export class ClassicHistogramSink implements Sink {
  readonly #bounds: readonly number[];
  readonly #divisor: number;
  /** Of each bucket alone; the last is beyond all bounds. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds in the unit that is sent, strictly rising: what `checkBuckets` lets pass */
  constructor(bounds: readonly number[], options: ClassicHistogramOptions = {}) {
    this.#bounds = bounds;
    // As k6 does: multiplying by 1/1000 rounds otherwise.
    this.#divisor = 1 / (options.scale ?? 1);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const scaled = value / this.#divisor;
    const at = bucketOf(scaled, this.#bounds);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += scaled;
  }

  collect(emit: Emit): void {
    let count = 0;
    this.#counts.forEach((own, at) => emit(at, count += own));
    emit(this.#counts.length, this.#sum);
    emit(this.#counts.length + 1, count);
  }
}

/** Index of the bucket that counts a value: that of the first bound which is not below it, or the one beyond all bounds. */
export function bucketOf(value: number, bounds: readonly number[]): number {
  let at = 0;
  while (at < bounds.length && !(value <= (bounds[at] ?? Infinity))) at++;
  return at;
}

/**
 * Lets pass what can be a classic histogram's upper bounds, without `+Inf`, which is always there.
 *
 * @throws {ConfigurationError} for bounds that are not finite or do not rise
 */
export function checkBuckets(bounds: readonly number[]): readonly number[] {
  bounds.forEach((bound, at) => {
    if (!Number.isFinite(bound)) {
      throw new ConfigurationError(
        `Cannot make a histogram: a bucket's upper bound is ${bound}, expected a finite number`,
      );
    }
    const before = bounds[at - 1] ?? -Infinity;
    if (bound <= before) {
      throw new ConfigurationError(
        `Cannot make a histogram: a bucket's upper bound is ${bound} after ${before}, expected bounds that rise`,
      );
    }
  });
  return bounds;
}

/**
 * An upper bound as the value of the label `le`, in the form Prometheus's clients write it (Go's shortest `%g`):
 * `0.005`, `1`, `2.5`, `1e+06`, `+Inf`.
 */
export function formatLe(bound: number): string {
  if (bound === Infinity) return "+Inf";
  const [digits = "", power = ""] = bound.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(bound);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

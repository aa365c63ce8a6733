/**
 * A trend as a Prometheus classic histogram: one counter per upper bound. Such histograms can be added up over instances.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Emit, Sink } from "./sink.ts";

/** How a classic histogram counts. */
interface ClassicHistogramOptions {
  /** Factor from the sample's unit to the unit of the bounds: 1/1000 turns milliseconds into seconds. */
  readonly scale: number;
}

/**
 * Counts the values up to and including each bound. NaN and values above all bounds count only in `+Inf`, as in
 * Prometheus's clients.
 *
 * It emits the cumulative count of each bound, then the count of `+Inf`, the sum and the count: three outputs more than bounds.
 */
export class ClassicHistogramSink implements Sink {
  readonly #bounds: readonly number[];
  readonly #divisor: number;
  /** The count of each bucket alone; the last bucket is above all bounds. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds in the unit that is sent, strictly rising: see `checkBuckets` */
  constructor(bounds: readonly number[], { scale }: ClassicHistogramOptions) {
    this.#bounds = bounds;
    // k6 divides by 1000; a multiplication by 1/1000 rounds differently.
    this.#divisor = 1 / scale;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const scaled = value / this.#divisor;
    const at = bucketOf(scaled, this.#bounds);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += scaled;
  }

  collect(emit: Emit): void {
    const { length } = this.#counts;
    let count = 0;
    this.#counts.forEach((own, at) => emit(at, count += own));
    emit(length, this.#sum);
    emit(length + 1, count);
  }
}

/** Returns the index of the first bound that is not below a value, or the number of bounds if there is none. */
export function bucketOf(value: number, bounds: readonly number[]): number {
  let at = 0;
  while (at < bounds.length && !(value <= (bounds[at] ?? Infinity))) at++;
  return at;
}

/**
 * Returns the upper bounds of a classic histogram if they are valid. They do not contain `+Inf`, which every histogram has.
 *
 * @throws {ConfigurationError} if a bound is not finite or not above the bound before it
 */
export function checkBuckets(bounds: readonly number[]): readonly number[] {
  bounds.forEach((bound, at) => {
    const before = bounds[at - 1] ?? -Infinity;
    if (Number.isFinite(bound) && bound > before) return;
    throw new ConfigurationError(
      `Cannot make a histogram: an upper bound is ${bound} after ${before}, expected bounds that rise and are finite`,
    );
  });
  return bounds;
}

/**
 * Returns an upper bound as the value of the label `le`, in the notation of Prometheus's clients (Go's shortest `%g`):
 * `0.005`, `1`, `2.5`, `1e+06`, `+Inf`.
 */
export function formatLe(bound: number): string {
  if (bound === Infinity) return "+Inf";
  const [digits, power] = bound.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(bound);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

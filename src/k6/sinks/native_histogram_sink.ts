/**
 * A trend as a Prometheus native histogram, with the buckets that k6's own output makes.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import { ExponentialBuckets } from "./exponential_buckets.ts";
import { coarsestSchema, schemaForFactor } from "./exponential_scale.ts";
import type { Emit, Sink } from "./sink.ts";
import type { HistogramValue } from "../../model/time_series.ts";

/** How a native histogram counts. */
export interface NativeHistogramOptions {
  /** Most that the width of a bucket may grow from one to the next, more than 1. @default 1.1 */
  readonly bucketFactor?: number;
  /** Most buckets that are sent; with more, buckets are merged and the factor grows. @default 160 */
  readonly maxBuckets?: number;
  /** What values are multiplied with: 1/1000 makes seconds of milliseconds. @default 1 */
  readonly scale?: number;
}

/** The factor is k6's; 160 buckets are what Prometheus and Mimir recommend, and what OpenTelemetry allows. */
export const nativeHistogramDefaults: Required<NativeHistogramOptions> = {
  bucketFactor: 1.1,
  maxBuckets: 160,
  scale: 1,
};

/** Smaller magnitudes count as zero. The clients' default; a bound in every schema. */
const zeroThreshold = 2 ** -128;

/**
 * Counts values in exponential buckets. NaN goes into the count and makes the sum NaN, and infinities go into a bucket
 * beyond all numbers, as in Prometheus's clients.
 *
 * Emits one output.
 */
export class NativeHistogramSink implements Sink {
  readonly #divisor: number;
  readonly #maxBuckets: number;
  readonly #positive: ExponentialBuckets;
  readonly #negative: ExponentialBuckets;
  #zeroCount = 0;
  #count = 0;
  #sum = 0;
  /** What was emitted last, until something is added. */
  #emitted: HistogramValue | undefined;

  /** @throws {RangeError} for a factor that is not above 1 */
  constructor(options: NativeHistogramOptions = {}) {
    const defaults = nativeHistogramDefaults;
    const { bucketFactor = defaults.bucketFactor, maxBuckets = defaults.maxBuckets, scale = defaults.scale } = options;
    // k6 divides by 1000, and multiplying by 1/1000 rounds otherwise.
    this.#divisor = 1 / scale;
    this.#maxBuckets = maxBuckets;
    const schema = schemaForFactor(bucketFactor);
    this.#positive = new ExponentialBuckets(schema);
    this.#negative = new ExponentialBuckets(schema);
  }

  add(value: number): void {
    const scaled = value / this.#divisor;
    this.#emitted = undefined;
    this.#count += 1;
    this.#sum += scaled;
    if (scaled > zeroThreshold) this.#positive.add(scaled);
    else if (scaled < -zeroThreshold) this.#negative.add(-scaled);
    else if (!Number.isNaN(scaled)) this.#zeroCount += 1;
  }

  collect(emit: Emit): void {
    this.#emitted ??= this.#read();
    emit(0, this.#emitted);
  }

  #read(): HistogramValue {
    let positive = this.#positive.populated();
    let negative = this.#negative.populated();
    while (
      positive.counts.length + negative.counts.length > this.#maxBuckets && this.#positive.schema > coarsestSchema
    ) {
      this.#positive.coarsen();
      this.#negative.coarsen();
      positive = this.#positive.populated();
      negative = this.#negative.populated();
    }
    return {
      count: this.#count,
      sum: this.#sum,
      schema: this.#positive.schema,
      zeroThreshold,
      zeroCount: this.#zeroCount,
      positiveSpans: positive.spans,
      positiveCounts: positive.counts,
      negativeSpans: negative.spans,
      negativeCounts: negative.counts,
    };
  }
}

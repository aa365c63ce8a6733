/**
 * A trend as a Prometheus native histogram, with the same buckets as in k6's own output.
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
  /** The largest growth of a bucket's bound from one bucket to the next, above 1. */
  readonly bucketFactor: number;
  /** The largest number of buckets that is sent. With more, buckets are merged, and the factor grows. */
  readonly maxBuckets: number;
  /** Factor from the sample's unit to the unit that is sent: 1/1000 turns milliseconds into seconds. */
  readonly scale: number;
}

/** The factor is k6's. Prometheus and Mimir recommend 160 buckets, and OpenTelemetry allows as many. */
export const nativeHistogramDefaults: Omit<NativeHistogramOptions, "scale"> = { bucketFactor: 1.1, maxBuckets: 160 };

/** Smaller magnitudes count as zero. It is the default of Prometheus's clients, and a bound in every schema. */
const zeroThreshold = 2 ** -128;

/**
 * Counts values in exponential buckets. NaN counts, but in no bucket, and makes the sum NaN. Infinities count in a bucket
 * above all numbers. Both are as in Prometheus's clients.
 *
 * It emits one output.
 */
export class NativeHistogramSink implements Sink {
  readonly #divisor: number;
  readonly #maxBuckets: number;
  readonly #positive: ExponentialBuckets;
  readonly #negative: ExponentialBuckets;
  #zeroCount = 0;
  #count = 0;
  #sum = 0;
  /** The histogram that was emitted last; undefined after a value was added. */
  #emitted: HistogramValue | undefined;

  constructor({ bucketFactor, maxBuckets, scale }: NativeHistogramOptions) {
    // k6 divides by 1000; a multiplication by 1/1000 rounds differently.
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
    emit(0, this.#emitted ??= this.#read());
  }

  #read(): HistogramValue {
    const positive = this.#positive.populated();
    const negative = this.#negative.populated();
    const { schema } = this.#positive;
    if (positive.counts.length + negative.counts.length > this.#maxBuckets && schema > coarsestSchema) {
      this.#positive.coarsen();
      this.#negative.coarsen();
      return this.#read();
    }
    return {
      count: this.#count,
      sum: this.#sum,
      schema,
      zeroThreshold,
      zeroCount: this.#zeroCount,
      positiveSpans: positive.spans,
      positiveCounts: positive.counts,
      negativeSpans: negative.spans,
      negativeCounts: negative.counts,
    };
  }
}

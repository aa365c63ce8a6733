/**
 * Random time series for property tests, and the generated messages they must become.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as v1 from "../../gen/proto/prometheus/remote_pb.ts";
import type { Exemplar, FloatSample, Histogram, Label, Metadata, TimeSeries } from "../../src/time_series.ts";

const labelName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,12}$/);
const labelValue = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });
const label = fc.record({ name: labelName, value: labelValue }, { noNullPrototype: true });
const time = fc.integer({ min: 1, max: 4_000_000_000_000 });
const value = fc.double();
const count = fc.integer({ min: 0, max: 1_000_000 });

function rising<T extends { readonly timestamp: number }>(item: fc.Arbitrary<T>, minLength = 1): fc.Arbitrary<T[]> {
  return fc.uniqueArray(item, { minLength, maxLength: 4, selector: ({ timestamp }) => timestamp })
    .map((items) => items.sort((a, b) => a.timestamp - b.timestamp));
}

/** In 2.0 only. */
const start = fc.option(fc.integer({ min: 1, max: 4_000_000_000_000 }), { nil: undefined });

const sample = fc.record({ value, timestamp: time, startTimestamp: start, stale: fc.boolean() });

const side = fc.array(
  fc.record({ gap: fc.integer({ min: 0, max: 300 }), counts: fc.array(count, { minLength: 1, maxLength: 5 }) }),
  {
    maxLength: 3,
  },
).map((parts) => ({
  spans: parts.map(({ gap, counts }, index) => ({ offset: index === 0 ? gap - 150 : gap, length: counts.length })),
  counts: parts.flatMap(({ counts }) => counts),
}));

const histogram: fc.Arbitrary<Histogram & { timestamp: number }> = fc.record({
  timestamp: time,
  startTimestamp: start,
  sum: value,
  schema: fc.integer({ min: -4, max: 8 }),
  zeroThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
  zeroCount: count,
  positive: side,
  negative: side,
  float: fc.boolean(),
  resetHint: fc.integer({ min: 0, max: 3 }),
}).map(({ positive, negative, ...rest }) => ({
  ...rest,
  // Observations that are NaN are in no bucket.
  count: [rest.zeroCount, ...positive.counts, ...negative.counts].reduce((a, b) => a + b, 0),
  positiveSpans: positive.spans,
  positiveCounts: positive.counts,
  negativeSpans: negative.spans,
  negativeCounts: negative.counts,
}));

const exemplar: fc.Arbitrary<Exemplar & { timestamp: number }> = fc.record({
  labels: fc.array(
    fc.record({ name: labelName, value: fc.oneof(labelValue, fc.constant("")) }, { noNullPrototype: true }),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
  value,
  timestamp: time,
});

const metadata: fc.Arbitrary<Metadata> = fc.record({
  type: fc.constantFrom("unknown", "counter", "gauge", "histogram"),
  help: fc.string({ maxLength: 20 }),
  unit: fc.constantFrom("", "seconds", "bytes"),
});

const labels: fc.Arbitrary<Label[]> = fc.tuple(
  labelName,
  fc.uniqueArray(label, { selector: ({ name }) => name, maxLength: 6 }),
).map(([name, rest]) =>
  [{ name: "__name__", value: name }, ...rest].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
);

/** Valid series: sorted labels, rising times, samples or histograms; no label set twice. */
export const timeSeriesList: fc.Arbitrary<TimeSeries[]> = fc.uniqueArray(
  fc.oneof(
    fc.record({ labels, samples: rising(sample), exemplars: rising(exemplar, 0), metadata }),
    fc.record({ labels, histograms: rising(histogram), exemplars: rising(exemplar, 0), metadata }),
  ),
  { minLength: 1, maxLength: 6, selector: (series) => JSON.stringify(series.labels) },
);

/** The eight bytes of the staleness marker, little endian, as the specification gives them. */
const marker = Uint8Array.of(0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f);
/** A double that no test uses otherwise, replaced by the marker in the encoded bytes. */
const placeholder = 1.2345678901234567e-300;
const placeholderBytes = new Uint8Array(Float64Array.of(placeholder).buffer);

function withMarkers(bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  for (let at = 0; at + 8 <= result.length; at++) {
    if (placeholderBytes.every((byte, index) => result[at + index] === byte)) result.set(marker, at);
  }
  return result;
}

function deltas(counts: readonly number[]): bigint[] {
  return counts.map((value, index) => BigInt(value - (counts[index - 1] ?? 0)));
}

function sampleInit({ value, timestamp, stale }: FloatSample): { value: number; timestamp: bigint } {
  return { value: stale ? placeholder : value, timestamp: BigInt(timestamp) };
}

function histogramInit(histogram: Histogram): Parameters<typeof create<typeof v1.HistogramSchema>>[1] & object {
  const { float = false, positiveCounts, negativeCounts } = histogram;
  return {
    count: float
      ? { case: "countFloat" as const, value: histogram.count }
      : { case: "countInt" as const, value: BigInt(histogram.count) },
    zeroCount: float
      ? { case: "zeroCountFloat" as const, value: histogram.zeroCount }
      : { case: "zeroCountInt" as const, value: BigInt(histogram.zeroCount) },
    sum: histogram.stale ? placeholder : histogram.sum,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    positiveSpans: histogram.positiveSpans.map((span) => ({ ...span })),
    negativeSpans: histogram.negativeSpans.map((span) => ({ ...span })),
    positiveDeltas: float ? [] : deltas(positiveCounts),
    negativeDeltas: float ? [] : deltas(negativeCounts),
    positiveCounts: float ? [...positiveCounts] : [],
    negativeCounts: float ? [...negativeCounts] : [],
    resetHint: v1.Histogram_ResetHintSchema.values.find(({ number }) => number === histogram.resetHint)?.number as 0,
    timestamp: BigInt(histogram.timestamp),
  };
}

/** What the generated 1.0 types make of series. */
export function requestV1(list: readonly TimeSeries[]): Uint8Array {
  const message = create(v1.WriteRequestSchema, {
    timeseries: list.map(({ labels, samples = [], histograms = [], exemplars = [] }) => ({
      labels: labels.map((label) => ({ ...label })),
      samples: samples.map(sampleInit),
      histograms: histograms.map(histogramInit),
      exemplars: exemplars.map((exemplar) => ({
        // Empty values are left out.
        labels: exemplar.labels.filter(({ value }) => value !== "").map((label) => ({ ...label })),
        value: exemplar.value,
        timestamp: BigInt(exemplar.timestamp),
      })),
    })),
  });
  return withMarkers(toBinary(v1.WriteRequestSchema, message));
}

/** What a 2.0 request says, its references resolved, in the form of `requestV1`'s input. */
export function labelsOfRefs(refs: readonly number[], symbols: readonly string[]): Label[] {
  const result: Label[] = [];
  for (let at = 0; at < refs.length; at += 2) {
    result.push({ name: symbols[refs[at] ?? 0] ?? "", value: symbols[refs[at + 1] ?? 0] ?? "" });
  }
  return result;
}

/** The same series without staleness markers. */
export function unmarked(list: readonly TimeSeries[]): TimeSeries[] {
  return list.map(({ samples, histograms, ...series }) => ({
    ...series,
    samples: samples?.map((sample) => ({ ...sample, stale: false })),
    histograms: histograms?.map((histogram) => ({ ...histogram, stale: false })),
  }));
}

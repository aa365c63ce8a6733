/**
 * Random time series for property tests, and the generated messages they must become.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as v1 from "../../gen/proto/prometheus/remote_pb.ts";
import type { Exemplar, FloatSample, Histogram, Label, Metadata, TimeSeries } from "../../src/model/time_series.ts";

const labelName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,12}$/);
const labelValue = fc.oneof(
  { weight: 9, arbitrary: fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }) },
  // Half of a pair, which is no Unicode.
  fc.constantFrom("\ud83d", "a\ude00b"),
);
const label = fc.record({ name: labelName, value: labelValue }, { noNullPrototype: true });
const time = fc.oneof(
  fc.integer({ min: 1, max: 4_000_000_000_000 }),
  fc.constantFrom(0, -1, -4_000_000_000_000, Number.MAX_SAFE_INTEGER),
);
const value = fc.double();
const count = fc.oneof({ weight: 9, arbitrary: fc.nat(1_000_000) }, fc.nat({ max: 2 ** 48 }));

function rising<T extends { readonly timestamp: number }>(item: fc.Arbitrary<T>, minLength = 1): fc.Arbitrary<T[]> {
  return fc.uniqueArray(item, { minLength, maxLength: 4, selector: ({ timestamp }) => timestamp })
    .map((items) => items.sort((a, b) => a.timestamp - b.timestamp));
}

/** In 2.0 only; left out where it is later than its sample. */
const start = fc.option(fc.integer({ min: 1, max: 4_000_000_000_000 }), { nil: undefined });

const sample = fc.record({ value, timestamp: time, startTimestamp: start, stale: fc.boolean() });

const sideOf = (maxGap: number) =>
  fc.array(
    fc.record({ gap: fc.integer({ min: 0, max: maxGap }), counts: fc.array(count, { minLength: 1, maxLength: 5 }) }),
    { maxLength: 3 },
  ).map((parts) => ({
    spans: parts.map(({ gap, counts }, index) => ({
      offset: index === 0 ? gap - maxGap / 2 : gap,
      length: counts.length,
    })),
    counts: parts.flatMap(({ counts }) => counts),
  }));

/** Coarse schemas have few buckets, so they need small gaps between them. */
const exponential = (minSchema: number, maxGap: number) => ({
  timestamp: time,
  startTimestamp: start,
  sum: value,
  schema: fc.integer({ min: minSchema, max: 8 }),
  zeroThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
  zeroCount: count,
  positive: sideOf(maxGap),
  negative: sideOf(maxGap),
  float: fc.boolean(),
  resetHint: fc.integer({ min: 0, max: 3 }),
});

const exponentialHistogram: fc.Arbitrary<Histogram & { timestamp: number }> = fc.oneof(
  fc.record(exponential(0, 300)),
  fc.record(exponential(-4, 20)),
).map(({ positive, negative, ...rest }) => ({
  ...rest,
  // Observations that are NaN are in no bucket.
  count: [rest.zeroCount, ...positive.counts, ...negative.counts].reduce((a, b) => a + b, 0),
  positiveSpans: positive.spans,
  positiveCounts: positive.counts,
  negativeSpans: negative.spans,
  negativeCounts: negative.counts,
}));

const bounds = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
  maxLength: 5,
  comparator: "SameValueZero",
});

const customHistogram: fc.Arbitrary<Histogram & { timestamp: number }> = fc.record({
  timestamp: time,
  startTimestamp: start,
  sum: value,
  customValues: bounds.map((values) => values.sort((a, b) => a - b)),
  counts: fc.array(count, { maxLength: 6 }),
  float: fc.boolean(),
  resetHint: fc.integer({ min: 0, max: 3 }),
}).map(({ counts, ...rest }) => {
  const positiveCounts = counts.slice(0, rest.customValues.length + 1);
  return {
    ...rest,
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: positiveCounts.reduce((a, b) => a + b, 0),
    positiveSpans: positiveCounts.length === 0 ? [] : [{ offset: 0, length: positiveCounts.length }],
    positiveCounts,
    negativeSpans: [],
    negativeCounts: [],
  };
});

const histogram = fc.oneof({ weight: 3, arbitrary: exponentialHistogram }, customHistogram);

const exemplar: fc.Arbitrary<Exemplar & { timestamp: number }> = fc.record({
  labels: fc.uniqueArray(
    fc.record({ name: labelName, value: fc.oneof(labelValue, fc.constant("")) }, { noNullPrototype: true }),
    { minLength: 1, maxLength: 2, selector: ({ name }) => name },
  ),
  value,
  // 0 is none on the wire.
  timestamp: time.filter((at) => at !== 0),
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

/** Labels as they are sent: sorted, without empty values, and in Unicode. */
export function sentLabels(list: readonly Label[]): Label[] {
  return list.filter(({ value }) => value !== "").map(({ name, value }) => ({ name, value: value.toWellFormed() }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Valid series: sorted labels, rising times, samples or histograms; no label set twice. */
export const timeSeriesList: fc.Arbitrary<TimeSeries[]> = fc.uniqueArray(
  fc.oneof(
    fc.record({ labels, samples: rising(sample), exemplars: rising(exemplar, 0), metadata }),
    fc.record({ labels, histograms: rising(histogram), exemplars: rising(exemplar, 0), metadata }),
  ),
  { minLength: 1, maxLength: 6, selector: (series) => JSON.stringify(sentLabels(series.labels)) },
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
    customValues: [...histogram.customValues ?? []],
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
      labels: sentLabels(labels),
      samples: samples.map(sampleInit),
      histograms: histograms.map(histogramInit),
      exemplars: exemplars.map((exemplar) => ({
        labels: sentLabels(exemplar.labels),
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

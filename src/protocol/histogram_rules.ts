/**
 * What makes a native histogram one that receivers refuse, or store and cannot query afterwards.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { BucketSpan, Histogram } from "../model/time_series.ts";

/** What a rule is about. */
export type HistogramClause =
  | "histogramSchema"
  | "histogramSpans"
  | "histogramCounts"
  | "histogramCustomValues"
  | "histogramResetHint";

/** Takes what is wrong: what was found and what was expected. */
export type HistogramReport = (rule: HistogramClause, message: string) => void;

const customSchema = -53;

/** Checks one. */
export function checkHistogram(histogram: Histogram, report: HistogramReport): void {
  const { schema, resetHint = 0 } = histogram;
  if (schema !== customSchema && !(Number.isInteger(schema) && schema >= -4 && schema <= 8)) {
    report("histogramSchema", `the schema is ${schema}, expected -4 to 8, or ${customSchema}`);
  }
  if (![0, 1, 2, 3].includes(resetHint)) {
    report("histogramResetHint", `the reset hint is ${resetHint}, expected 0 to 3`);
  }
  checkCustomValues(histogram, report);
  checkSpans(histogram.positiveSpans, {
    buckets: histogram.positiveCounts.length,
    custom: schema === customSchema,
    report,
  });
  checkSpans(histogram.negativeSpans, { buckets: histogram.negativeCounts.length, custom: false, report });
  checkCounts(histogram, report);
}

function checkSpans(
  spans: readonly BucketSpan[],
  { buckets, custom, report }: { buckets: number; custom: boolean; report: HistogramReport },
): void {
  // The wire has 32 bits for each.
  const odd = spans.find(({ offset, length }) => (offset | 0) !== offset || length >>> 0 !== length);
  if (odd !== undefined) {
    report("histogramSpans", `a span has offset ${odd.offset} and length ${odd.length}, expected whole numbers`);
  }
  const covered = spans.reduce((sum, { length }) => sum + length, 0);
  if (covered !== buckets) report("histogramSpans", `the spans cover ${covered} buckets, expected ${buckets}`);
  // Custom buckets are counted from 0, so that their first offset cannot be negative either.
  const negative = spans.find(({ offset }, index) => offset < 0 && (index > 0 || custom));
  if (negative !== undefined) report("histogramSpans", `a span's offset is ${negative.offset}, expected 0 or more`);
}

function checkCounts(histogram: Histogram, report: HistogramReport): void {
  const { count, sum, zeroCount, positiveCounts, negativeCounts, float = false } = histogram;
  const counts = [count, zeroCount, ...positiveCounts, ...negativeCounts];
  const wrong = counts.find((each) => !(each >= 0 && (float || Number.isSafeInteger(each))));
  if (wrong !== undefined) {
    report("histogramCounts", `a count is ${wrong}, expected ${float ? "0 or more" : "a whole number from 0"}`);
  }
  // Floats that were added up elsewhere, in another order, need not give the same sum.
  if (float) return;
  const total = counts.slice(1).reduce((all, each) => all + each, 0);
  // Observations of NaN are counted, but are in no bucket; they make the sum NaN.
  if (Number.isNaN(sum) ? total > count : total !== count) {
    const expected = Number.isNaN(sum) ? `at least ${total}` : `${total}`;
    report("histogramCounts", `the count is ${count}, expected ${expected}, which the buckets hold`);
  }
}

function checkCustomValues(histogram: Histogram, report: HistogramReport): void {
  const { schema, customValues = [], zeroCount, zeroThreshold, positiveSpans, negativeSpans, negativeCounts } =
    histogram;
  const rule = "histogramCustomValues";
  if (schema !== customSchema) {
    if (customValues.length > 0) report(rule, `there are custom values, expected none with the schema ${schema}`);
    return;
  }
  const wrong = customValues.find((value, index) =>
    !Number.isFinite(value) || value <= (customValues[index - 1] ?? -Infinity)
  );
  if (wrong !== undefined) report(rule, `a custom value is ${wrong}, expected finite ones that rise`);
  // The bucket above the last bound has none of its own.
  const end = positiveSpans.reduce((at, { offset, length }) => at + offset + length, 0);
  if (end > customValues.length + 1) {
    report(
      rule,
      `there are ${customValues.length} custom values, expected ${end - 1} for the ${end} buckets of the spans`,
    );
  }
  if (zeroCount !== 0 || zeroThreshold !== 0 || negativeSpans.length > 0 || negativeCounts.length > 0) {
    report(rule, `there are zero or negative buckets, expected none with the schema ${customSchema}`);
  }
}

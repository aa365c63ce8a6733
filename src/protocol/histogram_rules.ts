/**
 * Finds what makes a receiver reject a native histogram, or store one that it cannot query. Prometheus answers 500 for as long
 * as it is sent counts that do not add up.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { BucketSpan, Histogram } from "../model/time_series.ts";

/** The name of a rule for histograms, as receivers report it. */
type HistogramClause =
  | "histogramSchema"
  | "histogramSpans"
  | "histogramZeroThreshold"
  | "histogramCounts"
  | "histogramCustomValues"
  | "histogramResetHint";

/** Receives what is wrong: the rule, and a message with what was found and what was expected. */
type HistogramReport = (rule: HistogramClause, message: string) => void;

const customSchema = -53;

/** Checks a histogram, and reports each problem. */
export function checkHistogram(histogram: Histogram, report: HistogramReport): void {
  const { schema, count, sum, zeroCount, zeroThreshold, positiveSpans, positiveCounts, negativeSpans, negativeCounts } =
    histogram;
  const { customValues = [], resetHint = 0, float = false } = histogram;
  const check = (isWrong: boolean, rule: HistogramClause, found: string, expected: number | string): void => {
    if (isWrong) report(rule, `${found}, expected ${expected}`);
  };
  const isCustom = schema === customSchema;
  check(
    !isCustom && !(Number.isInteger(schema) && schema >= -4 && schema <= 8),
    "histogramSchema",
    `the schema is ${schema}`,
    `-4 to 8, or ${customSchema}`,
  );
  check(![0, 1, 2, 3].includes(resetHint), "histogramResetHint", `the reset hint is ${resetHint}`, "0 to 3");
  const checkSpans = (
    spans: readonly BucketSpan[],
    { length: buckets }: readonly number[],
    fromZero: boolean,
  ): void => {
    // Both are numbers of 32 bits on the wire.
    const odd = spans.find(({ offset, length }) => (offset | 0) !== offset || length >>> 0 !== length);
    check(!!odd, "histogramSpans", `a span has offset ${odd?.offset} and length ${odd?.length}`, "whole numbers");
    const covered = spans.reduce((sum, { length }) => sum + length, 0);
    check(covered !== buckets, "histogramSpans", `the spans cover ${covered} buckets`, buckets);
    const negative = spans.find(({ offset }, index) => offset < 0 && (index > 0 || fromZero));
    check(!!negative, "histogramSpans", `a span's offset is ${negative?.offset}`, "0 or more");
  };
  // Custom buckets are counted from 0.
  checkSpans(positiveSpans, positiveCounts, isCustom);
  checkSpans(negativeSpans, negativeCounts, false);
  const counts = [zeroCount, ...positiveCounts, ...negativeCounts];
  const wrong = [count, ...counts].find((each) =>
    !(each >= 0 && (float ? each < Infinity : Number.isSafeInteger(each)))
  );
  const expected = float ? "a finite number from 0" : "a whole number from 0";
  check(wrong !== undefined, "histogramCounts", `a count is ${wrong}`, expected);
  const total = counts.reduce((all, each) => all + each, 0);
  // An observation of NaN is counted and makes the sum NaN, but is in no bucket.
  const isNan = Number.isNaN(sum);
  check(
    // The sum of floats depends on the order in which they are added.
    !float && (isNan ? total > count : total !== count),
    "histogramCounts",
    `the count is ${count}`,
    `${isNan ? "at least " : ""}${total}, which the buckets hold`,
  );
  const rule = "histogramCustomValues";
  if (!isCustom) {
    check(
      !(zeroThreshold >= 0 && zeroThreshold < Infinity),
      "histogramZeroThreshold",
      `the zero threshold is ${zeroThreshold}`,
      "a finite number from 0",
    );
    for (const spans of [positiveSpans, negativeSpans]) {
      const beyond = beyondFloats(spans, schema);
      check(beyond !== undefined, "histogramSpans", `there is a bucket ${beyond}`, "one that can hold a float");
    }
    return check(customValues.length > 0, rule, "there are custom values", `none with the schema ${schema}`);
  }
  const unordered = customValues.find((value, index) =>
    !Number.isFinite(value) || value <= (customValues[index - 1] ?? -Infinity)
  );
  check(unordered !== undefined, rule, `a custom value is ${unordered}`, "finite ones that rise");
  // The bucket above the last bound has no bound of its own.
  const end = positiveSpans.reduce((at, { offset, length }) => at + offset + length, 0);
  check(
    end > customValues.length + 1,
    rule,
    `there are ${customValues.length} custom values`,
    `${end - 1} for the ${end} buckets of the spans`,
  );
  check(
    zeroCount !== 0 || zeroThreshold !== 0 || negativeSpans.length > 0 || negativeCounts.length > 0,
    rule,
    "there are zero or negative buckets",
    `none with the schema ${schema}`,
  );
}

/**
 * Returns the index of a bucket that is beyond those of the smallest positive float, 2^-1074, and of infinity, which is in the bucket
 * above 2^1024; undefined if there is none.
 */
function beyondFloats(spans: readonly BucketSpan[], schema: number): number | undefined {
  const lowest = Math.ceil(-1074 * 2 ** schema);
  const highest = 1024 * 2 ** schema + 1;
  let end = 0;
  for (const { offset, length } of spans) {
    const first = end + offset;
    end = first + length;
    if (length > 0 && first < lowest) return first;
    if (length > 0 && end - 1 > highest) return end - 1;
  }
  return undefined;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, adviceFor, type AdviceKind } from "../../src/send/advice.ts";

/** What receivers say. */
const refusals: readonly (readonly [words: string, kind: AdviceKind | undefined])[] = [
  ["out of bounds", "tooOld"],
  ["too old sample", "tooOld"],
  ["the sample has been rejected because its timestamp is too old (err-mimir-sample-timestamp-too-old)", "tooOld"],
  ["out of order sample", "outOfOrder"],
  ["the sample has been rejected because its timestamp is out of order (err-mimir-sample-out-of-order)", "outOfOrder"],
  ["duplicate sample for timestamp", "outOfOrder"],
  [
    "a different value for the same timestamp (err-mimir-sample-duplicate-timestamp): new-value-for-timestamp",
    "outOfOrder",
  ],
  ["label_limit exceeded (metric: a, number of labels: 41, limit: 30)", "labelLimit"],
  ["received a series whose number of labels exceeds the limit (actual: 41, limit: 40)", "labelLimit"],
  ["series has too many labels (actual: 41, limit: 30)", "labelLimit"],
  ["label value too long for metric (actual: 3000, limit: 2048)", "labelLimit"],
  ["Client sent an HTTP request to an HTTPS server.", "https"],
  ["400 The plain HTTP request was sent to HTTPS port", "https"],
  ["snappy: corrupt input", undefined],
  ["", undefined],
];

test("the words of a refusal choose an advice, or none", () => {
  for (const [words, kind] of refusals) assert.equal(adviceFor(words), kind === undefined ? "" : advice[kind], words);
});

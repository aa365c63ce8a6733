import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch } from "../../src/protocol/batch.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { giveUpMessage, type Refusal, warnOfRefusal } from "../../src/send/refusal_message.ts";
import { Warnings } from "../../src/send/warnings.ts";

/** Returns a batch of series that differ only in the label url. */
function batchOf(...urls: readonly string[]): Batch {
  const batch = new Batch();
  for (const url of urls) {
    const labels = { __name__: "k6_http_reqs_total", instance: "a".repeat(100), job: "k6", url };
    batch.push(encodeSeries(Object.entries(labels).map(([name, value]) => ({ name, value }))), 1, 1);
  }
  return batch;
}

function warningsOf(...refusals: readonly Partial<Refusal>[]): string[] {
  const messages: string[] = [];
  const warnings = new Warnings((message) => messages.push(message));
  const batch = batchOf("/a", "/b", "/c");
  const usual = { batch, from: 1, to: 2, refused: 1, reason: "status 400: out of order sample", unknown: false };
  for (const refusal of refusals) warnOfRefusal(warnings, { ...usual, ...refusal });
  return messages;
}

const rest = "Further samples of this kind are only counted.";

test("a refusal names the cause, a series by the labels that distinguish it, once", () => {
  assert.deepEqual(warningsOf({}, { from: 2, to: 3 }), [
    `Not delivered: 1 sample (status 400: out of order sample), such as k6_http_reqs_total{url="/b"}. ${rest}`,
  ]);
});

test("a series in the words of the receiver is shortened in the same way, and another one is no other cause", () => {
  const words = (url: string): string =>
    `status 400: out of order (err-x). The sample is from series {__name__="k6_http_reqs_total", instance="${
      "a".repeat(100)
    }", job="k6", url="${url}"}`;
  assert.deepEqual(warningsOf({ reason: words("/b") }, { reason: words("/c"), from: 2, to: 3 }), [
    "Not delivered: 1 sample (status 400: out of order (err-x). The sample is from series " +
    `k6_http_reqs_total{url="/b"}). ${rest}`,
  ]);
  const named = 'status 400: too old: k6_http_reqs_total{job="k6",url="/b"}';
  assert.match(
    warningsOf({ reason: named })[0] ?? "",
    /^Not delivered: 1 sample \(status 400: too old: k6_http_reqs_total\{url="\/b"\}\)\. Further/,
  );
});

test("if it is not known which samples of a request were refused, there is no example", () => {
  assert.deepEqual(warningsOf({ from: 0, to: 3, refused: 2, reason: "it stored less" }), [
    `Not delivered: 2 samples (it stored less). ${rest}`,
  ]);
});

test("what is refused on a retry may be stored already", () => {
  assert.deepEqual(warningsOf({ unknown: true }), [
    "Refused on a retry, perhaps stored before: 1 sample (status 400: out of order sample), such as " +
    `k6_http_reqs_total{url="/b"}. ${rest}`,
  ]);
});

test("long reasons are cut, and labels for which there is no room are left out", () => {
  assert.deepEqual(
    warningsOf({ batch: batchOf("x".repeat(200), "/b"), from: 0, to: 1, reason: `status 400: ${"y".repeat(900)}` }),
    [`Not delivered: 1 sample (status 400: ${"y".repeat(185)}...), such as k6_http_reqs_total. ${rest}`],
  );
});

test("the labels with the most values come first", () => {
  const batch = new Batch();
  for (let index = 0; index < 1000; index++) {
    const labels = { __name__: "m", a: index % 2 === 0 ? "x" : "y", b: "same", c: `/${index}`, d: String(index % 3) };
    batch.push(encodeSeries(Object.entries(labels).map(([name, value]) => ({ name, value }))), 1, 1);
  }
  const [message = ""] = warningsOf({ batch, from: 999, to: 1000 });
  assert.match(message, /such as m\{c="\/999",d="0"(,a="y")?\}\. /);
});

test("samples that are given up are reported with their number, the attempts and the reason", () => {
  const failed = {
    kind: "failed",
    retryAfterMs: undefined,
    unknown: true,
    unknownBefore: false,
    disconnected: false,
  } as const;
  const slow = { ...failed, status: undefined, reason: "the endpoint did not answer within 30 s", attempts: 1 };
  assert.equal(
    giveUpMessage(329, slow),
    "Gave up 329 samples after 1 attempt: the endpoint did not answer within 30 s.",
  );
  assert.equal(
    giveUpMessage(1, { ...failed, status: 503, reason: "busy", attempts: 12 }),
    "Gave up 1 sample after 12 attempts: status 503: busy.",
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TimeSeries } from "../../gen/proto/prometheus/remote_pb.ts";
import { createReceiver, strictRules } from "../../src/receive/mod.ts";
import { recordedRequests } from "../support/recorded_run.ts";
import { headersV1, postV1 } from "../support/requests.ts";

/** Counts the violations of each rule. */
class Counts {
  readonly rules: Record<string, number> = {};

  readonly add = ({ rule }: { readonly rule: string }): void => {
    this.rules[rule] = (this.rules[rule] ?? 0) + 1;
  };
}

const isMixed = ({ samples, histograms }: TimeSeries): boolean => samples.length > 0 && histograms.length > 0;
const hasTag = ({ labels }: TimeSeries): boolean => labels.some(({ name }) => name === "my-tag");

for (const run of ["basic", "native"] as const) {
  test(`a receiver without rules accepts what k6 itself sends (${run})`, async () => {
    let series = 0;
    const receive = createReceiver({ onWrite: ({ timeSeries }) => void (series += timeSeries.length) });
    const requests = recordedRequests(run);
    for (const { headers, body } of requests) {
      assert.equal((await receive(postV1({}, { headers: pick(headers), body }))).status, 204);
    }
    assert.equal(series, requests.flatMap(({ timeSeries }) => timeSeries).length);
  });

  test(`strictRules finds exactly three kinds of violations in what k6 itself sends (${run})`, async () => {
    const counts = new Counts();
    const receive = createReceiver({ strict: strictRules(), onWrite: () => {}, onViolation: counts.add });
    const requests = recordedRequests(run);
    for (const { headers, body } of requests) await receive(postV1({}, { headers: pick(headers), body }));
    const series = requests.flatMap(({ timeSeries }) => timeSeries);
    // The User-Agent has no version, the script's tag is not a valid label name, and stale histograms come with a float.
    const expected = {
      userAgent: 8,
      labelName: series.filter(hasTag).length,
      seriesMixed: series.filter(isMixed).length,
    };
    assert.deepEqual({ seriesMixed: 0, ...counts.rules }, expected);
    assert.equal(expected.seriesMixed > 0, run === "native");
  });

  test(`strictRules finds no other violations in what k6 itself sends (${run}), also from request to request`, async () => {
    const counts = new Counts();
    const receive = createReceiver({ strict: strictRules(), onWrite: () => {}, onViolation: counts.add });
    for (const { headers, timeSeries } of recordedRequests(run)) {
      const timeseries = timeSeries.filter((series) => !hasTag(series) && !isMixed(series));
      const response = await receive(postV1({ timeseries }, { headers: { ...pick(headers), "User-Agent": "k6/2.2" } }));
      assert.equal(response.status, 204, await response.text());
    }
    assert.deepEqual(counts.rules, {});
  });
}

/** The headers that a sender sets itself. */
function pick(headers: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.keys(headersV1).map((name) => [name, headers[name.toLowerCase()]]));
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type TimeSeries, WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { createReceiver, strictRules } from "../../src/receive/mod.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { headersV1, postV1 } from "../support/requests.ts";

interface RecordedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

function recordedRequests(run: string): RecordedRequest[] {
  const folder = `tests/fixtures/k6/${run}/requests`;
  return readdirSync(folder).filter((name) => name.endsWith(".bin")).sort().map((name) => ({
    headers: JSON.parse(readFileSync(`${folder}/${name.replace(".bin", ".json")}`, "utf8")).headers,
    body: new Uint8Array(readFileSync(`${folder}/${name}`)),
  }));
}

/** Counts violations by rule. */
class Counts {
  readonly rules: Record<string, number> = {};

  readonly add = ({ rule }: { readonly rule: string }): void => {
    this.rules[rule] = (this.rules[rule] ?? 0) + 1;
  };
}

/** Decodes the series of a request with the generated types. */
function seriesOf({ body }: RecordedRequest): TimeSeries[] {
  return fromBinary(WriteRequestSchema, decompress(body, { maxDecodedBytes: 1 << 20 })).timeseries;
}

const isMixed = ({ samples, histograms }: TimeSeries): boolean => samples.length > 0 && histograms.length > 0;
const hasTag = ({ labels }: TimeSeries): boolean => labels.some(({ name }) => name === "my-tag");

for (const run of ["basic", "native"]) {
  test(`a receiver without rules accepts what k6 itself sends (${run})`, async () => {
    let series = 0;
    const receive = createReceiver({ onWrite: ({ timeSeries }) => void (series += timeSeries.length) });
    const requests = recordedRequests(run);
    for (const { headers, body } of requests) {
      assert.equal((await receive(postV1({}, { headers: pick(headers), body }))).status, 204);
    }
    assert.equal(series, requests.flatMap(seriesOf).length);
  });

  test(`strictRules finds exactly three kinds of violations in what k6 itself sends (${run})`, async () => {
    const counts = new Counts();
    const receive = createReceiver({ strict: strictRules(), onWrite: () => {}, onViolation: counts.add });
    const requests = recordedRequests(run);
    for (const { headers, body } of requests) await receive(postV1({}, { headers: pick(headers), body }));
    const series = requests.flatMap(seriesOf);
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
    for (const request of recordedRequests(run)) {
      const timeseries = seriesOf(request).filter((series) => !hasTag(series) && !isMixed(series));
      const { headers } = request;
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

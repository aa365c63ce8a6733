import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { requestV1, sentLabels, timeSeriesList } from "../support/arbitrary_series.ts";
import { requestsV1 } from "../support/arbitrary_requests.ts";
import { plainMetadataV1, plainSeriesV1 } from "../support/plain_form.ts";
import { recordedRequests } from "../support/recorded_run.ts";
import { slowRuns } from "../support/runs.ts";

test("1.0 requests decode to the same series as with the generated types", () => {
  fc.assert(
    fc.property(requestsV1, (request) => {
      const { timeSeries, metadata, symbols } = decodeV1(toBinary(WriteRequestSchema, request));
      assert.deepEqual(timeSeries, plainSeriesV1(request));
      assert.deepEqual(metadata, plainMetadataV1(request));
      assert.equal(symbols, undefined);
    }),
    { seed: 10, numRuns: slowRuns(1000) },
  );
});

test("1.0 decoding recognises staleness markers by their bits, in samples and histograms", () => {
  fc.assert(
    fc.property(timeSeriesList, (list) => {
      const stale = list.map(({ samples, histograms }) =>
        [...samples ?? [], ...histograms ?? []].map((each) => !!each.stale)
      );
      const decoded = decodeV1(requestV1(list)).timeSeries;
      assert.deepEqual(
        decoded.map(({ samples, histograms }) => [...samples ?? [], ...histograms ?? []].map((each) => !!each.stale)),
        stale,
      );
      assert.deepEqual(decoded.map(({ labels }) => labels), list.map(({ labels }) => sentLabels(labels)));
    }),
    { seed: 11, numRuns: slowRuns(300) },
  );
});

for (const run of ["basic", "native"] as const) {
  test(`the requests that k6 sent (${run}) decode to the same series as with the generated types`, () => {
    let markers = 0;
    for (const { body } of recordedRequests(run)) {
      const bytes = decompress(body, { maxDecodedBytes: 1 << 20 });
      const { timeSeries, oddNans } = decodeV1(bytes);
      // k6 sends no other NaN than the marker.
      const expected = plainSeriesV1(fromBinary(WriteRequestSchema, bytes), { nanIsStale: true });
      assert.deepEqual(timeSeries, expected);
      assert.equal(oddNans.size, 0);
      markers += timeSeries.filter(({ samples }) => samples?.[0]?.stale).length;
    }
    assert.ok(markers > 0);
  });
}

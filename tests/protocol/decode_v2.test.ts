import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { requestsV2 } from "../support/arbitrary_requests.ts";
import { plainSeriesV2 } from "../support/plain_form.ts";
import { slowRuns } from "../support/runs.ts";

test("2.0 requests decode to the same series as with the generated types", () => {
  fc.assert(
    fc.property(requestsV2, (request) => {
      const { timeSeries, metadata, symbols } = decodeV2(toBinary(RequestSchema, request));
      assert.deepEqual(timeSeries, plainSeriesV2(request));
      assert.equal(metadata.size, 0);
      assert.deepEqual(symbols, request.symbols);
    }),
    { seed: 20, numRuns: slowRuns(1000) },
  );
});

test("2.0 labels, exemplars and metadata refer to symbols", () => {
  // A series has labels 1 2, an exemplar with labels 3 4, and help 5. Symbol 6 is not used.
  const symbols = ["", "a", "b", "c", "d", "e", "f"].flatMap((
    text,
  ) => [0x22, text.length, ...new TextEncoder().encode(text)]);
  const series = [0x0a, 2, 1, 2, 0x22, 4, 0x0a, 2, 3, 4, 0x2a, 2, 0x18, 5];
  const { timeSeries } = decodeV2(Uint8Array.of(...symbols, 0x2a, series.length, ...series));
  assert.deepEqual(timeSeries[0]?.labels, [{ name: "a", value: "b" }]);
  assert.deepEqual(timeSeries[0]?.exemplars?.[0]?.labels, [{ name: "c", value: "d" }]);
  assert.deepEqual(timeSeries[0]?.metadata, { type: "unknown", help: "e" });
});

test("2.0 symbols can come after the series that refer to them", () => {
  const bytes = Uint8Array.of(0x2a, 4, 0x0a, 2, 1, 2, 0x22, 0, 0x22, 1, 0x61, 0x22, 1, 0x62);
  assert.deepEqual(decodeV2(bytes).timeSeries[0]?.labels, [{ name: "a", value: "b" }]);
});

test("2.0 metadata in several parts is merged, as protobuf requires", () => {
  // One message has type 1, another has help 1.
  const bytes = Uint8Array.of(0x22, 0, 0x22, 1, 0x61, 0x2a, 8, 0x2a, 2, 0x08, 1, 0x2a, 2, 0x18, 1);
  assert.deepEqual(decodeV2(bytes).timeSeries[0]?.metadata, { type: "counter", help: "a" });
});

test("2.0 requests without references need no symbols", () => {
  assert.deepEqual(decodeV2(new Uint8Array()).timeSeries, []);
  assert.deepEqual(decodeV2(Uint8Array.of(0x2a, 2, 0x2a, 0)).timeSeries[0]?.metadata, { type: "unknown" });
});

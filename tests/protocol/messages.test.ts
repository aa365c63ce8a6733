/** The generated messages, converted both ways and sent by the client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { RemoteWriteClient, type SeriesArgument, type TimeSeries } from "../../mod.ts";
import * as v1 from "../../src/protocol/messages_v1.ts";
import * as v2 from "../../src/protocol/messages_v2.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { timeSeriesList, unmarked } from "../support/arbitrary_series.ts";
import { plainSeriesV1, plainSeriesV2 } from "../support/plain_form.ts";
import { recordedRequests } from "../support/recorded_run.ts";
import { slowRuns } from "../support/runs.ts";
import { strictReceiver } from "../support/strict_receiver.ts";

/** Returns series without metadata, which 1.0 has elsewhere. */
function withoutMetadata(list: readonly TimeSeries[]): TimeSeries[] {
  return list.map(({ metadata: _, ...series }) => series);
}

// k6's last request of the run "native" has histograms and floats in one series, which no sender may have.
for (const [run, chosen] of [["basic", [0, -1]], ["native", [0]]] as const) {
  test(`requests of the recorded run ${run} become series, and these the same messages of both versions`, () => {
    const requests = recordedRequests(run);
    for (const at of chosen) {
      const body = requests.at(at)?.body ?? assert.fail();
      const bytes = decompress(body, { maxDecodedBytes: 1e8 });
      const request = fromBinary(v1.WriteRequestSchema, bytes);
      const series = v1.toTimeSeries(request);
      // The last request holds staleness markers: NaNs whose bits some engines change.
      assert.deepEqual(unmarked(withoutMetadata(series)), unmarked(plainSeriesV1(request)));
      assert.deepEqual(v1.toTimeSeries(v1.fromTimeSeries(series)).map(sorted), series.map(sorted));
      assert.equal(toBinary(v1.WriteRequestSchema, v1.fromTimeSeries(request)).length, bytes.length);
      assert.deepEqual(v2.toTimeSeries(v2.fromTimeSeries(request)).map(sorted), series.map(sorted));
    }
  });
}

/** Returns a series with sorted labels. */
function sorted({ labels, ...series }: TimeSeries): TimeSeries {
  return { ...series, labels: [...labels].sort((a, b) => a.name < b.name ? -1 : 1) };
}

test("series with histograms, exemplars and metadata go through messages of both versions unchanged", () => {
  fc.assert(
    fc.property(timeSeriesList, (given) => {
      // A staleness marker is a NaN whose bits some engines change.
      const list = unmarked(given);
      const request2 = v2.fromTimeSeries(list);
      const series = v2.toTimeSeries(request2);
      assert.deepEqual(series, plainSeriesV2(request2));
      assert.deepEqual(v2.fromTimeSeries(series), request2);
      // What the client reads of a message is what the decoder reads of its bytes.
      assert.deepEqual(v2.fromTimeSeries(request2), request2);
      const request1 = v1.fromTimeSeries(list);
      assert.deepEqual(withoutMetadata(v1.toTimeSeries(request1)), plainSeriesV1(request1));
      assert.deepEqual(v1.fromTimeSeries(request1), request1);
    }),
    { seed: 1, numRuns: slowRuns(200) },
  );
});

const time = 1_700_000_000_000;
const series: TimeSeries[] = [
  {
    labels: [{ name: "__name__", value: "orders_total" }, { name: "shop", value: "berlin" }],
    samples: [{ value: 7, timestamp: time }],
    exemplars: [{ labels: [{ name: "trace_id", value: "abc" }], value: 1, timestamp: time - 5 }],
    metadata: { type: "counter", help: "The orders." },
  },
  {
    labels: [{ name: "__name__", value: "wait_seconds" }],
    histograms: [{
      ...{ timestamp: time, count: 6, sum: 9, schema: 0, zeroThreshold: 0, zeroCount: 1, negativeCounts: [] },
      ...{ positiveSpans: [{ offset: 0, length: 2 }], positiveCounts: [3, 2], negativeSpans: [], resetHint: 2 },
    }],
    metadata: { type: "histogram", help: "The wait." },
  },
];

const messages: readonly (readonly [string, SeriesArgument, boolean])[] = [
  ["a WriteRequest of 1.0", v1.fromTimeSeries(series), true],
  ["the series of a WriteRequest of 1.0", v1.fromTimeSeries(series).timeseries, false],
  ["a Request of 2.0", v2.fromTimeSeries(series), true],
];
for (const protocol of ["1.0", "2.0"] as const) {
  for (const [name, message, hasMetadata] of messages) {
    test(`write sends ${name} whole in ${protocol}`, async () => {
      const sent = [];
      for (const each of [message, hasMetadata ? series : withoutMetadata(series)]) {
        const receiver = strictReceiver();
        const client = new RemoteWriteClient({ protocol, fetch: receiver.fetch });
        assert.equal((await client.write(each)).delivered, 2);
        sent.push(receiver.writes.map(({ timeSeries, metadata }) => ({ timeSeries, metadata })));
      }
      assert.deepEqual(sent[0], sent[1]);
      assert.equal(JSON.stringify(sent[0]).includes("abc"), true);
    });
  }
}

test("a series of 2.0 without its request is an error, and so is a symbol that the request lacks", async () => {
  const client = new RemoteWriteClient({ fetch: () => assert.fail() });
  await assert.rejects(client.write(v2.fromTimeSeries(series).timeseries), {
    name: "FormatError",
    message: /^Cannot send the series \{\}: it has no name, expected one/,
  });
  const request = create(v2.RequestSchema, { symbols: [""], timeseries: [{ labelsRefs: [1, 2] }] });
  await assert.rejects(client.write(request), {
    name: "FormatError",
    message: "Cannot send the message: it refers to symbol 1, expected one of 1",
  });
});

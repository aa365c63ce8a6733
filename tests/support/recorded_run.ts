/**
 * The recorded runs of real k6, and what k6's own output sent of them at the same time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { type TimeSeries, WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { decompress } from "../../src/protocol/snappy.ts";

/** A float that k6 sent. */
export interface SentSample {
  readonly value: number;
  readonly timestamp: number;
}

/** A clock that shows the day after, as samples ahead of the clock are refused. */
export const afterRecordings = (): number => Date.UTC(2026, 10, 23);

/** The bytes of a run's JSON, not compressed. */
export function recordedJson(run: "basic" | "native"): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gunzipSync(readFileSync(`tests/fixtures/k6/${run}/run.json.gz`)));
}

/** The series of all requests, in order. */
export function recordedRequests(run: "basic" | "native"): TimeSeries[][] {
  const folder = `tests/fixtures/k6/${run}/requests`;
  return readdirSync(folder).filter((name) => name.endsWith(".bin")).sort().map((name) => {
    const body = decompress(new Uint8Array(readFileSync(`${folder}/${name}`)), { maxDecodedBytes: 1e8 });
    return fromBinary(WriteRequestSchema, body).timeseries;
  });
}

/** A series' name and labels as one text; k6 sends the tag `my-tag` as it is, which is no valid label name. */
export function keyOf(labels: readonly { readonly name: string; readonly value: string }[]): string {
  return labels.map(({ name, value }) => `${name.replace("my-tag", "my_tag")}=${JSON.stringify(value)}`).sort().join(
    ",",
  );
}

/** The bits of the staleness marker, which k6 sends at the end of each series. */
const staleBits = 0x7ff0000000000002n;

/** The floats that k6 sent of each series, in order, without its staleness markers. */
export function recordedSamples(run: "basic" | "native"): Map<string, SentSample[]> {
  const view = new DataView(new ArrayBuffer(8));
  const series = new Map<string, SentSample[]>();
  for (const { labels, samples } of recordedRequests(run).flat()) {
    for (const { value, timestamp } of samples) {
      view.setFloat64(0, value);
      // Some engines make an ordinary NaN of the marker; k6 sends no other.
      if (view.getBigUint64(0) === staleBits || Number.isNaN(value)) continue;
      const key = keyOf(labels);
      const sent = series.get(key) ?? [];
      series.set(key, sent);
      sent.push({ value, timestamp: Number(timestamp) });
    }
  }
  return series;
}

/**
 * The recorded runs of k6, and the requests that k6's own output sent during them.
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

/** The name of a recorded run. */
export type RecordedRun = "basic" | "native";

/** A request that k6's own output sent. */
export interface RecordedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it was sent, which is a Snappy block. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly timeSeries: readonly TimeSeries[];
}

/** The paths of the runs' JSON, compressed. The run "basic" has 5,200 lines of 6 seconds, with 373 HTTP requests. */
export const recordingPaths: Readonly<Record<RecordedRun, string>> = {
  basic: "tests/fixtures/k6/basic/run.json.gz",
  native: "tests/fixtures/k6/native/run.json.gz",
};

/** Returns the time of a clock on the day after the recordings: a receiver may reject samples that are ahead of its clock. */
export const afterRecordings = (): number => Date.UTC(2026, 10, 23);

/** Returns the JSON of a run. */
export function recordedJson(run: RecordedRun): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gunzipSync(readFileSync(recordingPaths[run])));
}

/** Returns the first lines of the run "basic": 800 lines are 1 second, with 57 HTTP requests. */
export function startOfRecording(lines = 800): string {
  return new TextDecoder().decode(recordedJson("basic")).split(/(?<=\n)/, lines).join("");
}

/** Returns what `k6 run -o json=-` wrote to a pipe: its JSON, and its messages, six of which cut a line. It has 5,177 samples. */
export function recordedPipe(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gunzipSync(readFileSync("tests/fixtures/k6/piped/stdout.txt.gz")));
}

/** Returns the requests of a run, in order. */
export function recordedRequests(run: RecordedRun | "piped"): RecordedRequest[] {
  const folder = `tests/fixtures/k6/${run}/requests`;
  return readdirSync(folder).filter((name) => name.endsWith(".bin")).sort().map((name) => {
    const body = new Uint8Array(readFileSync(`${folder}/${name}`));
    return {
      headers: JSON.parse(readFileSync(`${folder}/${name.replace(".bin", ".json")}`, "utf8")).headers,
      body,
      timeSeries: fromBinary(WriteRequestSchema, decompress(body, { maxDecodedBytes: 1e8 })).timeseries,
    };
  });
}

/** Returns the name and the labels of a series as one string. k6 sends the tag `my-tag`, which is not a valid label name. */
export function keyOf(labels: readonly { readonly name: string; readonly value: string }[]): string {
  return labels.map(({ name, value }) => `${name.replace("my-tag", "my_tag")}=${JSON.stringify(value)}`).sort().join(
    ",",
  );
}

/** The bits of the staleness marker. k6 sends it at the end of each series. */
const staleBits = 0x7ff0000000000002n;

/** Returns the floats of each series, in order, without staleness markers. */
export function recordedSamples(run: RecordedRun | "piped"): Map<string, SentSample[]> {
  const view = new DataView(new ArrayBuffer(8));
  const series = new Map<string, SentSample[]>();
  for (const { labels, samples } of recordedRequests(run).flatMap(({ timeSeries }) => timeSeries)) {
    for (const { value, timestamp } of samples) {
      view.setFloat64(0, value);
      // Some engines turn the marker into an ordinary NaN; k6 sends no other NaN.
      if (view.getBigUint64(0) === staleBits || Number.isNaN(value)) continue;
      const key = keyOf(labels);
      const sent = series.get(key) ?? [];
      series.set(key, sent);
      sent.push({ value, timestamp: Number(timestamp) });
    }
  }
  return series;
}

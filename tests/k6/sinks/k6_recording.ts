/** A recorded k6 run: the trend values of its JSON output, and what k6 itself sent of them at the same time. */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import snappyModule from "#snappy-wasm";
import { decompress_raw, initSync } from "snappy-wasm";
import { type TimeSeries, WriteRequestSchema } from "../../../gen/proto/prometheus/remote_pb.ts";

const folder = "tests/fixtures/k6";

/** The values of one k6 series, in the order they came. */
export interface RecordedTrend {
  readonly metric: string;
  readonly isTime: boolean;
  /** Sorted labels that k6 makes of the tags. */
  readonly labels: string;
  readonly values: number[];
}

/** All trends of a run's JSON output. */
export function recordedTrends(run: string): RecordedTrend[] {
  const isTime = new Map<string, boolean>();
  const trends = new Map<string, RecordedTrend>();
  for (const line of gunzipSync(readFileSync(`${folder}/${run}/run.json.gz`)).toString().split("\n")) {
    if (line === "") continue;
    const { type, metric, data } = JSON.parse(line);
    if (type === "Metric") {
      if (data.type === "trend") isTime.set(metric, data.contains === "time");
    } else if (isTime.has(metric)) {
      const labels = labelText(Object.entries<string>(data.tags).map(([name, value]) => ({ name, value })));
      const key = `${metric} ${labels}`;
      const trend: RecordedTrend = trends.get(key) ??
        { metric, isTime: isTime.get(metric) === true, labels, values: [] };
      trends.set(key, trend);
      trend.values.push(data.value);
    }
  }
  return [...trends.values()];
}

/** What k6 sent of each series in the last request that holds it, by name and labels; without stale markers. */
export function lastSent(run: string): Map<string, TimeSeries> {
  initSync(snappyModule());
  const sent = new Map<string, TimeSeries>();
  const files = readdirSync(`${folder}/${run}/requests`).filter((file) => file.endsWith(".bin")).sort();
  for (const file of files) {
    const body = decompress_raw(readFileSync(`${folder}/${run}/requests/${file}`));
    for (const series of fromBinary(WriteRequestSchema, body).timeseries) {
      // The only NaN that k6 sends is the marker; beside a histogram it puts one into the samples.
      if (series.samples.some(({ value }) => Number.isNaN(value))) continue;
      const name = series.labels.find((label) => label.name === "__name__")?.value;
      sent.set(`${name} ${labelText(series.labels.filter((label) => label.name !== "__name__"))}`, series);
    }
  }
  return sent;
}

function labelText(labels: readonly { readonly name: string; readonly value: string }[]): string {
  return labels.filter(({ value }) => value !== "").map(({ name, value }) => `${name}=${JSON.stringify(value)}`).sort()
    .join();
}

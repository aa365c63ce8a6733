/**
 * Does the same work with other libraries, and with plain code that does not aim at speed.
 *
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import remoteWrite from "prometheus-remote-write";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import type { Sink } from "../../src/k6/sinks/sink.ts";
import { resolveOptions } from "../../src/k6/output/resolve_options.ts";
import type { Tags } from "../../src/k6/sample.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { counterSamples, requestMetrics } from "./workload.ts";

/** A series as a program without this library would keep it. */
export interface PlainSeries {
  readonly labels: { readonly __name__: string; readonly [name: string]: string };
  readonly value: number;
  readonly time: number;
}

/** Returns the time series of {@link counterSamples} as a program without this library would keep them. */
export function plainSeries(count: number): PlainSeries[] {
  return counterSamples(count).map(({ time, value, tags: { name: _name, ...labels } }, index) => ({
    labels: { __name__: "k6_http_reqs_total", ...labels },
    value,
    time: time + Math.floor((1000 * index) / count),
  }));
}

/** Sends with `prometheus-remote-write`, which builds its messages with protobufjs and compresses with snappyjs. */
export async function sendWithPeer(series: readonly PlainSeries[]): Promise<void> {
  const timeseries = series.map(({ labels, value, time }) => ({ labels, samples: [{ value, timestamp: time }] }));
  await remoteWrite.pushTimeseries(timeseries, {
    url: "http://localhost",
    fetch: () => Promise.resolve({ status: 204, statusText: "", text: () => Promise.resolve("") }),
  });
}

/** Encodes messages of the generated types with `toBinary` and compresses them. Returns the compressed bytes. */
export function encodeWithMessages(series: readonly PlainSeries[]): number {
  const request = create(WriteRequestSchema, {
    timeseries: series.map(({ labels, value, time }) => ({
      labels: Object.entries(labels).map(([name, text]) => ({ name, value: text })),
      samples: [{ value, timestamp: BigInt(time) }],
    })),
  });
  return compress(toBinary(WriteRequestSchema, request)).length;
}

interface PlainEntry {
  readonly sink: Sink;
  readonly names: readonly string[];
  readonly tags: Tags;
  time: number;
}

/**
 * Replays with a plain pipeline: the whole string, `split`, `JSON.parse`, a key of sorted tags, the same sinks, and generated
 * messages for each second. Returns the number of lines.
 */
export function replayPlainly(text: string): number {
  const { mapping } = resolveOptions({});
  const all = new Map<string, PlainEntry>();
  let pending = new Set<PlainEntry>();
  let second = NaN;
  let lines = 0;
  const flush = (): void => {
    const series: PlainSeries[] = [];
    for (const { sink, names, tags, time } of pending) {
      sink.collect((output, value) => {
        if (typeof value === "number") series.push({ labels: { __name__: names[output] ?? "", ...tags }, value, time });
      });
    }
    if (series.length > 0) encodeWithMessages(series);
    pending = new Set();
  };
  for (const line of text.split("\n")) {
    if (line === "") continue;
    lines++;
    const { metric, data } = JSON.parse(line);
    const time = Date.parse(data.time);
    const key = metric + JSON.stringify(Object.entries(data.tags).sort());
    let entry = all.get(key);
    if (entry === undefined) {
      const known = requestMetrics.find(({ name }) => name === metric);
      const mapped = known && mapping.mapMetric(known);
      if (mapped === undefined) continue;
      entry = { sink: mapped.createSink(), names: mapped.outputs.map(({ name }) => name), tags: data.tags, time };
      all.set(key, entry);
    }
    if (Math.floor(time / 1000) !== second) flush();
    second = Math.floor(time / 1000);
    entry.sink.add(data.value, time);
    entry.time = time;
    pending.add(entry);
  }
  flush();
  return lines;
}

/**
 * An aggregator without a network: what it sends goes to a strict receiver in this process.
 */
import assert from "node:assert/strict";
import { type AggregatorOptions, RemoteWriteAggregator } from "../../src/gateway/mod.ts";
import type { Histogram, Label, Metadata, TimeSeries } from "../../src/model/time_series.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { encodeMetadataV1, encodeV1 } from "../../src/protocol/encode_v1.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { headersV1, headersV2 } from "./requests.ts";
import { type StrictReceiver, strictReceiver } from "./strict_receiver.ts";
import { VirtualClock } from "./virtual_clock.ts";

export interface AggregatorSetting {
  readonly clock: VirtualClock;
  readonly target: StrictReceiver;
  readonly warnings: string[];
  readonly aggregator: RemoteWriteAggregator;
  /** Replaces the aggregator by a new one with the same options, as after a crash. */
  restart(): void;
  /** Sends series, and returns the status. */
  send(timeSeries: readonly TimeSeries[], version?: "1.0" | "2.0"): Promise<number>;
  /** Sends a body again that `bodyOf` made. */
  post(body: Uint8Array<ArrayBuffer>, version?: "1.0" | "2.0"): Promise<Response>;
  /** Flushes, and returns the last value of each series at the receiver, by its notation. Ended series are left out. */
  totals(): Promise<ReadonlyMap<string, number>>;
}

export function startAggregator(options: AggregatorOptions = {}): AggregatorSetting {
  const clock = new VirtualClock();
  const target = strictReceiver();
  const warnings: string[] = [];
  const create = (): RemoteWriteAggregator =>
    new RemoteWriteAggregator({
      fetch: target.fetch,
      now: clock.now,
      monotonicNow: clock.monotonicNow,
      sleep: clock.sleep,
      random: () => 0.5,
      onWarning: (text) => warnings.push(text),
      intervalMs: 0,
      protocol: "2.0",
      ...options,
    });
  let aggregator = create();
  const post = (body: Uint8Array<ArrayBuffer>, version: "1.0" | "2.0" = "2.0"): Promise<Response> =>
    aggregator.handle(
      new Request("http://aggregator.test/api/v1/write", {
        method: "POST",
        headers: { ...version === "1.0" ? headersV1 : headersV2 },
        body,
      }),
    );
  return {
    clock,
    target,
    warnings,
    get aggregator() {
      return aggregator;
    },
    restart: () => void (aggregator = create()),
    post,
    send: async (timeSeries, version = "2.0") => (await post(bodyOf(timeSeries, version), version)).status,
    totals: async () => {
      const { samples, delivered } = await aggregator.flush();
      assert.equal(delivered, samples);
      const totals = new Map<string, number>();
      for (const [series, all] of target.samples) {
        const last = all.at(-1);
        if (last !== undefined && last.stale !== true) totals.set(series, last.value);
      }
      return totals;
    },
  };
}

/** Returns the body of a request. */
export function bodyOf(timeSeries: readonly TimeSeries[], version: "1.0" | "2.0" = "2.0"): Uint8Array<ArrayBuffer> {
  return encoded(batchOf(timeSeries), version);
}

/** Returns the 2.0 body of a histogram that `bodyOf` would refuse. */
export function uncheckedBody(labels: readonly Label[], histogram: Histogram): Uint8Array<ArrayBuffer> {
  const batch = new Batch();
  batch.pushHistogram(encodeSeries(labels), histogram, Number(histogram.timestamp));
  return encoded(batch, "2.0");
}

function encoded(batch: Batch, version: "1.0" | "2.0"): Uint8Array<ArrayBuffer> {
  const slice = { batch, from: 0, to: batch.length };
  const buffer = new ByteBuffer();
  return compress(version === "1.0" ? encodeV1(slice, buffer) : new EncoderV2().encode(slice, buffer));
}

/** Returns the body of a 1.0 request of metadata. */
export function metadataBody(metadata: Readonly<Record<string, Metadata>>): Uint8Array<ArrayBuffer> {
  return compress(encodeMetadataV1(new Map(Object.entries(metadata)), new ByteBuffer()));
}

export function labelsOf(name: string, others: Readonly<Record<string, string>> = {}): Label[] {
  return [{ name: "__name__", value: name }, ...Object.entries(others).map(([name, value]) => ({ name, value }))];
}

/** A series of one float. */
export function float(
  name: string,
  labels: Readonly<Record<string, string>>,
  sample: {
    readonly value: number;
    readonly timestamp: number;
    readonly startTimestamp?: number;
    readonly stale?: boolean;
  },
): TimeSeries {
  return { labels: labelsOf(name, labels), samples: [sample] };
}

/** Returns a native histogram of positive observations, as an instrumented program makes it. */
export function nativeOf(observations: readonly number[], schema: number, timestamp: number): Histogram {
  const buckets = new Map<number, number>();
  for (const value of observations) {
    const index = bucketOf(value, schema);
    buckets.set(index, (buckets.get(index) ?? 0) + 1);
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  let end = 0;
  const positiveSpans = sorted.map(([index]) => {
    const offset = index - end;
    end = index + 1;
    return { offset, length: 1 };
  });
  return {
    timestamp,
    count: observations.length,
    sum: observations.reduce((sum, value) => sum + value, 0),
    schema,
    zeroThreshold: 2 ** -128,
    zeroCount: 0,
    positiveSpans,
    positiveCounts: sorted.map(([, count]) => count),
    negativeSpans: [],
    negativeCounts: [],
  };
}

/** Returns the index of the bucket of an observation: by comparing it with the bounds, one after the other. */
export function bucketOf(value: number, schema: number): number {
  let index = Math.floor(Math.log2(value) * 2 ** schema) - 2;
  while (2 ** (index * 2 ** -schema) < value) index++;
  return index;
}

/** Returns the counts of a histogram's positive buckets, by index. */
export function bucketsOf({ positiveSpans, positiveCounts }: Histogram): ReadonlyMap<number, number> {
  const buckets = new Map<number, number>();
  let at = 0;
  let index = 0;
  for (const { offset, length } of positiveSpans) {
    index += offset;
    for (let each = 0; each < length; each++) buckets.set(index++, positiveCounts[at++] ?? 0);
  }
  return buckets;
}

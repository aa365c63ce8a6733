/**
 * Hostile requests: correct ones, changed at random but the same for the same seed.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { type TimeSeries, WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { requestsV1, requestsV2 } from "./arbitrary_requests.ts";
import { recordedRequests } from "./recorded_run.ts";

/** A correct message, not compressed. */
export interface Seed {
  readonly version: ProtocolVersion;
  readonly bytes: Uint8Array;
}

/** Random whole numbers from 0 to below `end` (xorshift). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }
}

/** Returns what k6 sent, in requests of three series, in 1.0 and in 2.0; then generated requests. */
export function seeds(): Seed[] {
  const series = (["basic", "native"] as const).flatMap(recordedRequests).flatMap(({ timeSeries }) => timeSeries);
  const parts = Array.from(
    { length: Math.ceil(series.length / 3) },
    (_, index) => series.slice(index * 3, index * 3 + 3),
  );
  return [
    ...parts.flatMap((timeseries): Seed[] => [
      { version: "1.0", bytes: toBinary(WriteRequestSchema, create(WriteRequestSchema, { timeseries })) },
      { version: "2.0", bytes: asV2(timeseries) },
    ]),
    ...fc.sample(requestsV1, { seed: 30, numRuns: 500 })
      .map((request): Seed => ({ version: "1.0", bytes: toBinary(WriteRequestSchema, request) })),
    ...fc.sample(requestsV2, { seed: 31, numRuns: 500 })
      .map((request): Seed => ({ version: "2.0", bytes: toBinary(RequestSchema, request) })),
  ];
}

function asV2(timeseries: readonly TimeSeries[]): Uint8Array {
  const symbols = [
    ...new Set(["", ...timeseries.flatMap(({ labels }) => labels.flatMap(({ name, value }) => [name, value]))]),
  ];
  return toBinary(
    RequestSchema,
    create(RequestSchema, {
      symbols,
      timeseries: timeseries.map(({ labels, samples, histograms }) => ({
        labelsRefs: labels.flatMap(({ name, value }) => [symbols.indexOf(name), symbols.indexOf(value)]),
        samples: samples.map(({ value, timestamp }) => ({ value, timestamp })),
        histograms: histograms.map((histogram) => ({
          ...histogram,
          $typeName: undefined,
          $unknown: undefined,
          positiveSpans: histogram.positiveSpans.map(({ offset, length }) => ({ offset, length })),
          negativeSpans: histogram.negativeSpans.map(({ offset, length }) => ({ offset, length })),
        })),
      })),
    }),
  );
}

/** Bytes that mean something where a tag, a length or a number stands. */
const telling: readonly number[] = [0x00, 0x01, 0x02, 0x07, 0x08, 0x0a, 0x0b, 0x12, 0x1a, 0x22, 0x2a, 0x7f, 0x80, 0xff];

/** Changes bytes in one to four places, more often in few. */
export function mutate(
  bytes: Uint8Array,
  { random, others }: { random: Random; others: readonly Uint8Array[] },
): Uint8Array {
  let result = bytes;
  for (let changes = 1 + random.below(1 + random.below(4)); changes > 0; changes--) {
    result = change(result, { random, others });
  }
  return result;
}

function change(bytes: Uint8Array, { random, others }: { random: Random; others: readonly Uint8Array[] }): Uint8Array {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.below(64));
  const result = bytes.slice();
  switch (random.below(9)) {
    case 0: // A bit.
      if (at < bytes.length) result[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return result;
    case 1: // A byte.
      if (at < bytes.length) result[at] = random.below(256);
      return result;
    case 2: // A tag or a length.
      if (at < bytes.length) result[at] = telling[random.below(telling.length)] ?? 0;
      return result;
    case 3: // A length that is a little off.
      if (at < bytes.length) result[at] = (bytes[at] ?? 0) + random.below(5) - 2;
      return result;
    case 4: // The end is cut off.
      return bytes.slice(0, at);
    case 5: // Something is left out.
      return join(bytes.subarray(0, at), bytes.subarray(to));
    case 6: // Something comes twice.
      return join(bytes.subarray(0, to), bytes.subarray(at));
    case 7: // A long varint comes in between.
      return join(bytes.subarray(0, at), new Uint8Array(1 + random.below(11)).fill(0xff), bytes.subarray(at));
    default: { // The end of another request.
      const other = others[random.below(others.length)] ?? bytes;
      return join(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)));
    }
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

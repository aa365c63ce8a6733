/**
 * What decoding a request gives, the same for both protocol versions.
 *
 * @module
 */
import type { FloatSample, Histogram, Metadata, TimeSeries } from "../model/time_series.ts";
import { metricTypeOf } from "./metric_type.ts";

/** How to decode. */
export interface DecodeOptions {
  /**
   * What the decoded objects may take in memory, estimated, in bytes. Two bytes of a hostile request can ask for an object of
   * a hundred, so that a limit on the request's size alone bounds nothing. The process grows by about 1.5 times this at most.
   *
   * @default 268435456
   */
  readonly maxMemoryBytes?: number;
}

/** A decoded request. */
export interface DecodedRequest {
  /** As sent, in order; timestamps are numbers, staleness markers have `stale`. */
  readonly timeSeries: TimeSeries[];
  /** What metric families mean, by family (1.0's own messages; the last one wins). */
  readonly metadata: ReadonlyMap<string, Metadata>;
  /** The symbols table, in the order sent (2.0 only). */
  readonly symbols?: readonly string[];
  /** The first field at the top that this version reserves: most likely the message is one of the other version. */
  readonly foreignField?: number;
  /** Values that are a NaN neither of the staleness marker's bits nor of an ordinary one's: mangled markers. */
  readonly oddNans: ReadonlySet<FloatSample | Histogram>;
}

/** What reading a value has to know of its request. */
export interface ValueContext {
  /** The protocol version has start timestamps. */
  readonly startTimestamps: boolean;
  /** Collects odd NaNs. */
  readonly oddNans: Set<FloatSample | Histogram>;
}

/** Eight times the 32 MiB that a request may have decompressed: what small samples with short labels take. */
export const defaultMaxMemoryBytes: number = 256 * 1024 * 1024;

/** Estimated memory of the objects made, in bytes, with their places in lists. */
export const memoryBytes = {
  series: 200,
  label: 48,
  sample: 56,
  exemplar: 120,
  histogram: 500,
  span: 48,
  metadata: 100,
  symbol: 32,
} as const;

/** Metadata in the plain form; an unknown type is what it says, and empty texts are left out. */
export function toMetadata(type: number, { help, unit }: { help: string; unit: string }): Metadata {
  return {
    type: metricTypeOf(type),
    ...(help !== "" && { help }),
    ...(unit !== "" && { unit }),
  };
}

/** Adds to a list that begins with the first item: an empty one that grows takes room for seventeen. */
export function append<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}

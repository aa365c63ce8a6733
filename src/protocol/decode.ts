/**
 * The result of decoding a request, the same for both protocol versions.
 *
 * @module
 */
import type { FloatSample, Histogram, Metadata, TimeSeries } from "../model/time_series.ts";
import type { KnownLabels } from "./known_labels.ts";
import { metricTypeOf } from "./metric_type.ts";

/** The limits of a decoder. */
export interface DecodeOptions {
  /**
   * The limit of the estimated memory of the decoded objects, in bytes. Two bytes of a hostile request can make an object of a
   * hundred bytes, so a limit of the request's size is not enough. The process grows by at most about 1.5 times this value.
   *
   * @default 268435456
   */
  readonly maxMemoryBytes?: number;
  /** The labels of earlier requests of the same protocol version. @default none are remembered */
  readonly known?: KnownLabels;
}

/** The content of a request in the plain form of both versions. */
export interface DecodedRequest {
  /** The series in the order of the request. Timestamps are numbers, and staleness markers have `stale`. */
  readonly timeSeries: TimeSeries[];
  /** The metadata by metric family (1.0 only). Of several for one family, it is the last. */
  readonly metadata: ReadonlyMap<string, Metadata>;
  /** The symbols table, in the order of the request (2.0 only). */
  readonly symbols?: readonly string[];
  /** The first top-level field that this version reserves. The message is probably one of the other version. */
  readonly foreignField?: number;
  /** Values that are a NaN with the bits of neither a staleness marker nor an ordinary NaN: probably damaged markers. */
  readonly oddNans: ReadonlySet<FloatSample | Histogram>;
}

/** What the readers of values need from their request. */
export interface ValueContext {
  /** Whether the protocol version has start timestamps. */
  readonly startTimestamps: boolean;
  /** Collects the values for `DecodedRequest.oddNans`. */
  readonly oddNans: Set<FloatSample | Histogram>;
}

/** Eight times the decompressed limit of 32 MiB, which is what small samples with short labels take. */
export const defaultMaxMemoryBytes: number = 256 * 1024 * 1024;

/** The estimated memory of objects and of their places in lists, in bytes. */
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

/** Returns metadata without empty strings. */
export function toMetadata(type: number, { help, unit }: { help: string; unit: string }): Metadata {
  return {
    type: metricTypeOf(type),
    ...(help !== "" && { help }),
    ...(unit !== "" && { unit }),
  };
}

/** Adds an item to a list. The first item makes the list, because an empty list that grows takes memory for 17 items. */
export function append<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}

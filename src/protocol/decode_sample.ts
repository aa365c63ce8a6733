/**
 * Decodes a sample, whose message is the same in both protocol versions.
 *
 * @module
 */
import type { FloatSample } from "../model/time_series.ts";
import { memoryBytes, type ValueContext } from "./decode.ts";
import type { ProtoReader } from "./proto_reader.ts";
import { isStaleMarker } from "./stale.ts";

/** Reads a Sample{value = 1, timestamp = 2, start_timestamp = 3 (2.0)}. */
export function readSample(reader: ProtoReader, context: ValueContext): FloatSample {
  reader.charge(memoryBytes.sample);
  let value = 0;
  let nan: NanKind = "ordinary";
  let timestamp = 0;
  let startTimestamp = 0;
  const outer = reader.enter("TimeSeries.samples");
  while (reader.next()) {
    if (reader.field === 1) {
      value = reader.double("Sample.value");
      nan = nanKind(reader, value);
    } else if (reader.field === 2) {
      timestamp = reader.int64("Sample.timestamp");
    } else if (reader.field === 3 && context.startTimestamps) {
      startTimestamp = reader.int64("Sample.start_timestamp");
    } else {
      reader.skip();
    }
  }
  reader.leave(outer);
  if (nan === "ordinary" && startTimestamp === 0) return { value, timestamp };
  const sample = {
    value,
    timestamp,
    ...(startTimestamp !== 0 && { startTimestamp }),
    ...(nan === "stale" && { stale: true }),
  };
  if (nan === "odd") context.oddNans.add(sample);
  return sample;
}

/** The meaning of a value's bits. */
export type NanKind = "ordinary" | "stale" | "odd";

/**
 * Returns the kind of the latest double. An ordinary NaN is one that Go, JavaScript or processors write: quiet, of either sign,
 * with 0 or 1 in the lower half. Any other NaN that is not the staleness marker is odd: probably a marker that was changed.
 */
export function nanKind(reader: ProtoReader, value: number): NanKind {
  if (!Number.isNaN(value)) return "ordinary";
  const { view, doubleAt } = reader;
  if (isStaleMarker(view, doubleAt)) return "stale";
  const high = view.getUint32(doubleAt + 4, true) & 0x7fffffff;
  return high === 0x7ff80000 && view.getUint32(doubleAt, true) <= 1 ? "ordinary" : "odd";
}

/**
 * Encodes a few series as remote write 1.0 in little code: without the reused buffer, the caches and the columns that make many
 * series fast.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Label } from "../model/time_series.ts";
import { addVarint } from "./literal_block.ts";
import type { Point, SeriesPoints } from "./read_series.ts";
import { staleHigh, staleLow } from "./stale.ts";

const encoder = new TextEncoder();
const view = new DataView(new ArrayBuffer(8));

/** Returns a WriteRequest with floats and exemplars, not compressed. */
export function encodeSmall(series: readonly SeriesPoints[]): Uint8Array<ArrayBuffer> {
  const request: number[] = [];
  for (const { labels, points, exemplars } of series) {
    const message: number[] = [];
    addLabels(message, labels);
    for (const point of points) {
      const sample: number[] = [];
      addValue(sample, 0x09, point);
      addField(message, 0x12, sample);
    }
    for (const { labels, value, timestamp } of exemplars) {
      const exemplar: number[] = [];
      addLabels(exemplar, labels);
      addValue(exemplar, 0x11, { value, time: Number(timestamp) });
      addField(message, 0x1a, exemplar);
    }
    addField(request, 0x0a, message);
  }
  return Uint8Array.from(request);
}

/** Adds `repeated Label labels = 1`, with Label{name = 1, value = 2}. */
function addLabels(to: number[], labels: readonly Label[]): void {
  for (const { name, value } of labels) {
    const label: number[] = [];
    addField(label, 0x0a, encoder.encode(name));
    addField(label, 0x12, encoder.encode(value));
    addField(to, 0x0a, label);
  }
}

/** Adds a field with a length in front. */
function addField(to: number[], tag: number, body: ArrayLike<number>): void {
  to.push(tag);
  addVarint(to, body.length);
  // One by one, because an engine limits the arguments of a call. By index, because this must be fast before it is optimized.
  for (let at = 0; at < body.length; at++) to.push(body[at] ?? 0);
}

/** Adds a float64 or the staleness marker, and then a time in the next field. @param tag the tag of the first field */
function addValue(
  to: number[],
  tag: number,
  { value, time, stale }: Pick<Point, "value" | "time"> & Partial<Point>,
): void {
  if (stale) {
    view.setUint32(0, staleLow, true);
    view.setUint32(4, staleHigh, true);
  } else {
    // Other bits than those of the literal can mean a damaged marker.
    view.setFloat64(0, Number.isNaN(value) ? NaN : value, true);
  }
  to.push(tag, ...new Uint8Array(view.buffer), tag + 7);
  addVarint(to, time);
}

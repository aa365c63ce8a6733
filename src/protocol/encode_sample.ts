/**
 * Encodes float samples: the same message in both protocol versions, but for the start timestamp that 2.0 adds.
 *
 * @module
 */
import type { Batch } from "./batch.ts";
import { type ByteBuffer, int64Size, setNan } from "./byte_buffer.ts";
import { staleHigh, staleLow } from "./stale.ts";

/** Encodes the field `samples = 2` of a TimeSeries, tag and length included. It holds a batch's columns while it is encoded. */
export class SampleEncoder {
  #times: Float64Array = new Float64Array(0);
  #values: Float64Array = this.#times;
  #starts: Float64Array | undefined;
  /** None where the batch has no marker, which is nearly always: a look into an empty set costs as much as a sample. */
  #stale: ReadonlySet<number> | undefined;

  /** @param withStart whether the protocol version has start timestamps */
  begin({ times, values, starts, stale }: Batch, withStart: boolean): void {
    this.#times = times;
    this.#values = values;
    this.#starts = withStart ? starts : undefined;
    this.#stale = stale.size > 0 ? stale : undefined;
  }

  /** Size of a sample's field. */
  size(index: number): number {
    // The body is never longer than 31 bytes, so its length takes one byte.
    return 2 + this.#bodySize(index);
  }

  /** Writes a sample's field; the buffer has room for it. */
  write(index: number, buffer: ByteBuffer): void {
    const time = this.#times[index] ?? 0;
    const value = this.#values[index] ?? 0;
    const start = this.#starts?.[index] ?? 0;
    // Through locals, as each byte through the buffer's fields would read and write them in memory.
    const { bytes, view } = buffer;
    let at = buffer.length;
    bytes[at++] = 0x12;
    bytes[at++] = this.#bodySize(index);
    if (this.#stale?.has(index) === true) {
      bytes[at++] = 0x09;
      view.setUint32(at, staleLow, true);
      view.setUint32(at + 4, staleHigh, true);
      at += 8;
    } else if (!Object.is(value, 0)) {
      bytes[at++] = 0x09;
      view.setFloat64(at, value, true);
      // Only NaN is not itself; a call for each sample would cost a tenth of all.
      if (value !== value) setNan(view, at);
      at += 8;
    }
    buffer.length = at;
    if (time !== 0) {
      buffer.bytes[buffer.length++] = 0x10;
      buffer.int64(time);
    }
    if (start !== 0) {
      buffer.bytes[buffer.length++] = 0x18;
      buffer.int64(start);
    }
  }

  /** proto3 leaves zeros out, though not the negative one. */
  #bodySize(index: number): number {
    const time = this.#times[index] ?? 0;
    const start = this.#starts?.[index] ?? 0;
    const hasValue = !Object.is(this.#values[index], 0) || this.#stale?.has(index) === true;
    return (hasValue ? 9 : 0) + (time === 0 ? 0 : 1 + int64Size(time)) + (start === 0 ? 0 : 1 + int64Size(start));
  }
}

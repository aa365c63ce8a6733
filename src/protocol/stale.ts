/**
 * The staleness marker: a NaN with special bits that says that a series ended. Some engines change the bits of a NaN that
 * passes through a number, so the marker is only written and compared as bits.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers
 * @module
 */

/** The upper half of the bits 0x7ff0000000000002. */
export const staleHigh = 0x7ff00000;
/** The lower half of the bits 0x7ff0000000000002. */
export const staleLow = 0x00000002;

/** Reports whether the eight bytes at an offset, little endian, are the marker. */
export function isStaleMarker(view: DataView, offset: number): boolean {
  return view.getUint32(offset, true) === staleLow && view.getUint32(offset + 4, true) === staleHigh;
}

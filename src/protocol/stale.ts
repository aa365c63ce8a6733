/**
 * The staleness marker: a NaN of its own bits that says that a series ended.
 * Some engines change a NaN's bits when it passes through a number, so it is only ever written and compared as bits.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers
 * @module
 */

/** Upper half of the bits 0x7ff0000000000002. */
export const staleHigh = 0x7ff00000;
/** Lower half. */
export const staleLow = 0x00000002;

/** Whether the eight bytes at an offset, little endian, are the marker. */
export function isStaleMarker(view: DataView, offset: number): boolean {
  return view.getUint32(offset, true) === staleLow && view.getUint32(offset + 4, true) === staleHigh;
}

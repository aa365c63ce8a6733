/**
 * The checksum of stored records.
 *
 * @module
 */

/** The CRC of each byte, with the reversed polynomial 0x04c11db7. It is computed when it is needed first. */
let table: Uint32Array | undefined;

/** Returns the CRC-32 of the bytes, as in gzip. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
  let crc = 0xffffffff;
  // By index, because an iterator takes several times as long.
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~crc >>> 0;
}

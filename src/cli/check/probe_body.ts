/**
 * The bodies of a check's requests.
 *
 * @module
 */
import type { Metadata, TimeSeries } from "../../model/time_series.ts";
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { Batch } from "../../protocol/batch.ts";
import { ByteBuffer } from "../../protocol/byte_buffer.ts";
import { encodeMetadataV1, encodeV1 } from "../../protocol/encode_v1.ts";
import { EncoderV2 } from "../../protocol/encode_v2.ts";
import { compress } from "../../protocol/snappy.ts";
import { utf8Names } from "../../protocol/read_series.ts";
import { batchesOf } from "../../protocol/time_series_batch.ts";

type Body = Uint8Array<ArrayBuffer>;

/** A Request of 2.0 without series: its table of symbols has only the empty one. */
const emptyV2 = Uint8Array.of(0x22, 0x00);

/** Returns a request without series, before compression. */
export function emptyRequest(version: ProtocolVersion): Body {
  return version === "1.0" ? new Uint8Array(0) : emptyV2.slice();
}

/** Returns a request with series, before compression. */
export function encodeSeries(version: ProtocolVersion, series: readonly TimeSeries[]): Body {
  const [batch = new Batch()] = batchesOf(series, { names: utf8Names });
  const slice = { batch, from: 0, to: batch.length };
  const buffer = new ByteBuffer();
  return version === "1.0" ? encodeV1(slice, buffer) : new EncoderV2().encode(slice, buffer);
}

/** Returns a compressed request of 1.0 with metadata alone. */
export function metadataBody(name: string, metadata: Metadata): Body {
  return compress(encodeMetadataV1(new Map([[name, metadata]]), new ByteBuffer()));
}

/** The field 15, of bytes: receivers of both versions ignore fields that they do not know. */
const paddingTag = 0x7a;

/**
 * Returns a compressed request without series that has about the given sizes, so that it shows a limit of the size and stores
 * nothing.
 */
export function paddedBody(
  version: ProtocolVersion,
  { bodyBytes, decodedBytes }: { readonly bodyBytes: number; readonly decodedBytes: number },
): Body {
  const empty = emptyRequest(version);
  // Snappy makes 21 zeros one byte, and does not shrink random bytes.
  const randomBytes = Math.max(0, Math.floor((bodyBytes - decodedBytes / 21) * 0.98) - 64);
  const padding = new Uint8Array(Math.max(randomBytes, decodedBytes - empty.length - 16));
  for (let at = 0; at < randomBytes; at += 65_536) {
    crypto.getRandomValues(padding.subarray(at, Math.min(at + 65_536, randomBytes)));
  }
  const buffer = new ByteBuffer();
  buffer.append(empty);
  buffer.append(Uint8Array.of(paddingTag));
  buffer.varint(padding.length);
  buffer.append(padding);
  return compress(buffer.written());
}

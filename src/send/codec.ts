/**
 * Turns samples into the body of a request.
 *
 * @module
 */
import type { BatchSlice } from "../protocol/batch.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

/** The body of a request. */
export interface EncodedSlice {
  /** The compressed body. The codec keeps no reference to it. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The size before compression, in bytes. */
  readonly decodedBytes: number;
}

/** Encodes and compresses for one version of the protocol. */
export interface Codec {
  /** @param slice at least one sample */
  encode(slice: BatchSlice): EncodedSlice;
}

/** The codec of each version. */
export type Codecs = Readonly<Record<ProtocolVersion, Codec>>;

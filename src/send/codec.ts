/**
 * Turns samples into the body of a request.
 *
 * @module
 */
import type { BatchSlice } from "../protocol/batch.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

/** A body, and what it was before compression. */
export interface EncodedSlice {
  /** Compressed; nobody else's. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Size before compression. */
  readonly decodedBytes: number;
}

/** Encodes and compresses for one version of the protocol. */
export interface Codec {
  /** @param slice at least one sample */
  encode(slice: BatchSlice): EncodedSlice;
}

/** The codec of each version. */
export type Codecs = Readonly<Record<ProtocolVersion, Codec>>;

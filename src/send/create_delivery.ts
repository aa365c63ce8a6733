/**
 * Puts the parts of sending together: encode, compress, authorize, POST, count, retry, deliver.
 *
 * @module
 */
import type { Batch } from "../protocol/batch.ts";
import { ByteBuffer } from "../protocol/byte_buffer.ts";
import { PointEncoder } from "../protocol/encode_points.ts";
import { writeLabels } from "../protocol/encoded_series.ts";
import { encodeMetadataV1, encodeV1 } from "../protocol/encode_v1.ts";
import { EncoderV2 } from "../protocol/encode_v2.ts";
import { escapeLabels, escapeName, type NameEscaping } from "../protocol/name_escaping.ts";
import { compress } from "../protocol/snappy.ts";
import { type AuthOptions, resolveAuthorizer } from "./auth/resolve_authorizer.ts";
import type { EncodedSlice } from "./codec.ts";
import { Delivery, type DeliveryOptions } from "./delivery.ts";
import { createHttpSender, type HttpSenderOptions } from "./http_sender.ts";
import { Liveness } from "./liveness.ts";
import { MetadataSender } from "./metadata_sender.ts";
import type { Label, Metadata } from "../model/time_series.ts";
import type { Send } from "./request_result.ts";
import { type RetryOptions, withRetry } from "./retry.ts";
import { withStats } from "./stats.ts";

/** How many encoded slices of a batch are remembered. */
const maxRemembered = 16;

/**
 * What the parts need. `now` is the time in milliseconds since the Unix epoch. Deadlines, back-off and durations use
 * `monotonicNow`, because a clock that is set must not change them.
 */
interface CreateDeliveryOptions
  extends AuthOptions, Omit<HttpSenderOptions, "authorizer">, RetryOptions, Omit<DeliveryOptions, "send" | "codecs"> {
  /** How names are escaped for 1.0. */
  readonly nameEscaping: NameEscaping;
  /** The encoders to use, if other senders use them too. @default new ones */
  readonly codecs?: Codecs | undefined;
}

/** An encoder for each version. */
export type Codecs = DeliveryOptions["codecs"];

/** Sends to one endpoint, with one state of protocol, quarantine and statistics. */
interface EndpointSender {
  /** Delivers samples in as many requests as necessary. */
  readonly delivery: Delivery;
  /** Knows whether a delivery can still go on, by its signal. */
  readonly liveness: Liveness;
  /** Sends a request of any kind with its retries. */
  readonly send: Send;
}

/**
 * Returns a sender for one endpoint.
 *
 * @throws {ConfigurationError} if the URL, a header or an authentication method cannot be used
 */
export function createDelivery(options: CreateDeliveryOptions): EndpointSender {
  const { budget, timeoutMs, sleep, nameEscaping } = options;
  const liveness = new Liveness(options.monotonicNow, sleep);
  const fetch = budget?.limitFetch(options.fetch) ?? options.fetch;
  const authorizer = resolveAuthorizer(options, { ...options, fetch, url: new URL(options.url) });
  const attempt = withStats(createHttpSender({ ...options, fetch, authorizer }), options);
  const limited = liveness.ofSend(budget?.limitSend(attempt) ?? attempt, timeoutMs);
  const send = withRetry(limited, { ...options, sleep: liveness.ofSleep(options.outage?.ofSleep(sleep) ?? sleep) });
  const delivery = new Delivery({ ...options, send, codecs: options.codecs ?? createCodecs(nameEscaping) });
  return { delivery, liveness, send };
}

/** Returns the encoders. They share one buffer, which grows to the size of the largest request. */
function createCodecs(nameEscaping: NameEscaping): Codecs {
  const buffer = new ByteBuffer();
  const pointsV1 = new PointEncoder("1.0", (labels, to) => {
    // If labels of an exemplar get the same name, one of them is kept: its sample must not be lost because of it.
    const isFirst = ({ name }: Label, index: number, all: readonly Label[]): boolean => name !== all[index - 1]?.name;
    writeLabels(escapeLabels(labels, nameEscaping).filter(isFirst), to);
  });
  const encoderV2 = new EncoderV2();
  return {
    "1.0": { encode: (slice) => compressed(encodeV1(slice, buffer, pointsV1)) },
    "2.0": { encode: (slice) => compressed(encoderV2.encode(slice, buffer)) },
  };
}

/** Returns a sender of metadata to the same endpoint. */
export function createMetadataSender(
  options: CreateDeliveryOptions,
  { delivery, send }: EndpointSender,
): MetadataSender {
  const buffer = new ByteBuffer();
  const escaped = (metadata: ReadonlyMap<string, Metadata>): ReadonlyMap<string, Metadata> =>
    new Map(Array.from(metadata, ([family, each]) => [escapeName(family, options.nameEscaping), each]));
  return new MetadataSender({
    ...options,
    send,
    encode: (metadata) => compressed(encodeMetadataV1(escaped(metadata), buffer)),
    version: () => delivery.version,
  });
}

/** Returns encoders for this many endpoints that get the same batches: each slice is encoded and compressed once. */
export function createSharedCodecs(nameEscaping: NameEscaping, endpoints: number): Codecs {
  const codecs = createCodecs(nameEscaping);
  return { "1.0": remembering(codecs["1.0"], endpoints), "2.0": remembering(codecs["2.0"], endpoints) };
}

/** Remembers the encoded slices of a batch until all endpoints have them, and for as long as the batch exists. */
function remembering({ encode }: Codecs["1.0"], endpoints: number): Codecs["1.0"] {
  const batches = new WeakMap<Batch, Map<string, { readonly encoded: EncodedSlice; left: number }>>();
  return {
    encode(slice) {
      let slices = batches.get(slice.batch);
      if (slices === undefined) batches.set(slice.batch, slices = new Map());
      const key = `${slice.from} ${slice.to}`;
      const known = slices.get(key);
      if (known !== undefined) {
        if (--known.left === 0) slices.delete(key);
        return known.encoded;
      }
      const encoded = encode(slice);
      // A search for bad series is not worth the memory.
      if (slices.size < maxRemembered) slices.set(key, { encoded, left: endpoints - 1 });
      return encoded;
    },
  };
}

function compressed(encoded: Uint8Array<ArrayBuffer>): EncodedSlice {
  return { body: compress(encoded), decodedBytes: encoded.length };
}

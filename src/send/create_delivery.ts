/**
 * Puts the parts of sending together: encode, compress, authorize, POST, count, retry, deliver.
 *
 * @module
 */
import { ByteBuffer } from "../protocol/byte_buffer.ts";
import { encodeMetadataV1, encodeV1 } from "../protocol/encode_v1.ts";
import { EncoderV2 } from "../protocol/encode_v2.ts";
import { compress } from "../protocol/snappy.ts";
import { type AuthOptions, resolveAuthorizer } from "./auth/resolve_authorizer.ts";
import type { EncodedSlice } from "./codec.ts";
import { Delivery, type DeliveryOptions } from "./delivery.ts";
import { createHttpSender, type HttpSenderOptions } from "./http_sender.ts";
import { Liveness } from "./liveness.ts";
import { MetadataSender } from "./metadata_sender.ts";
import type { Send } from "./request_result.ts";
import { type RetryOptions, withRetry } from "./retry.ts";
import { withStats } from "./stats.ts";

/**
 * What the parts need. `now` is the time in milliseconds since the Unix epoch. Deadlines, back-off and durations use
 * `monotonicNow`, because a clock that is set must not change them.
 */
export interface CreateDeliveryOptions
  extends AuthOptions, Omit<HttpSenderOptions, "authorizer">, RetryOptions, Omit<DeliveryOptions, "send" | "codecs"> {}

/** Sends to one endpoint, with one state of protocol, quarantine and statistics. */
export interface EndpointSender {
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
  const { budget, timeoutMs, sleep } = options;
  const liveness = new Liveness(options.monotonicNow, sleep);
  const fetch = budget?.limitFetch(options.fetch) ?? options.fetch;
  const authorizer = resolveAuthorizer(options, { ...options, fetch, url: new URL(options.url) });
  const attempt = withStats(createHttpSender({ ...options, fetch, authorizer }), options);
  const limited = liveness.ofSend(budget?.limitSend(attempt) ?? attempt, timeoutMs);
  const send = withRetry(limited, { ...options, sleep: liveness.ofSleep(options.outage?.ofSleep(sleep) ?? sleep) });
  // The encoders share one buffer, which grows to the size of the largest request.
  const buffer = new ByteBuffer();
  const encoderV2 = new EncoderV2();
  const delivery = new Delivery({
    ...options,
    send,
    codecs: {
      "1.0": { encode: (slice) => compressed(encodeV1(slice, buffer)) },
      "2.0": { encode: (slice) => compressed(encoderV2.encode(slice, buffer)) },
    },
  });
  return { delivery, liveness, send };
}

/** Returns a sender of metadata to the same endpoint. */
export function createMetadataSender(
  options: CreateDeliveryOptions,
  { delivery, send }: EndpointSender,
): MetadataSender {
  const buffer = new ByteBuffer();
  return new MetadataSender({
    ...options,
    send,
    encode: (metadata) => compressed(encodeMetadataV1(metadata, buffer)),
    version: () => delivery.version,
  });
}

function compressed(encoded: Uint8Array<ArrayBuffer>): EncodedSlice {
  return { body: compress(encoded), decodedBytes: encoded.length };
}

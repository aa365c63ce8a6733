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
import type { Codecs, EncodedSlice } from "./codec.ts";
import { sendDefaults } from "./defaults.ts";
import { Delivery } from "./delivery.ts";
import type { DeliveryOptions } from "./delivery_options.ts";
import { createHttpSender, type HttpSenderOptions } from "./http_sender.ts";
import { MetadataSender } from "./metadata_sender.ts";
import type { Send } from "./request_result.ts";
import { type RequestBudget, withBudget } from "./request_budget.ts";
import { type RetryOptions, withRetry } from "./retry.ts";
import { type SendStats, withStats } from "./stats.ts";
import type { Warnings } from "./warnings.ts";

/** Everything the parts need. */
export interface CreateDeliveryOptions
  extends AuthOptions, HttpSenderOptions, RetryOptions, Omit<DeliveryOptions, "send" | "codecs" | "now"> {
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
  readonly stats: SendStats;
  readonly warnings: Warnings;
  /** @default none */
  readonly budget?: RequestBudget;
}

/** The way to one endpoint. */
export interface EndpointSender {
  /** For samples. */
  readonly delivery: Delivery;
  /** For requests of any kind, retries included. */
  readonly send: Send;
}

/**
 * Delivery to an endpoint over HTTP.
 *
 * @throws ConfigurationError where the URL, a header or the ways to authenticate cannot be used
 */
export function createDelivery(options: CreateDeliveryOptions): EndpointSender {
  const { budget } = options;
  const fetch = budget?.bound(options.fetch) ?? options.fetch;
  const authorizer = resolveAuthorizer(options, { ...options, fetch, url: new URL(options.url) });
  const attempt = withStats(createHttpSender({ ...options, fetch, authorizer }), options);
  const send = withRetry(budget === undefined ? attempt : withBudget(attempt, budget), options);
  // The encoders share one buffer, which grows to the size of the largest request.
  const buffer = new ByteBuffer();
  const encoderV2 = new EncoderV2();
  const codecs: Codecs = {
    "1.0": { encode: (slice) => compressed(encodeV1(slice, buffer)) },
    "2.0": { encode: (slice) => compressed(encoderV2.encode(slice, buffer)) },
  };
  const delivery = new Delivery({ ...options, send, codecs });
  return { delivery, send };
}

/** What tells the same endpoint what the metrics mean. */
export function createMetadataSender(
  options: CreateDeliveryOptions,
  { delivery, send }: EndpointSender,
): MetadataSender {
  const buffer = new ByteBuffer();
  return new MetadataSender({
    ...options,
    send,
    encode: (families) => compressed(encodeMetadataV1(families, buffer)),
    version: () => delivery.version,
    maxFamiliesPerSend: options.maxSamplesPerSend ?? sendDefaults.maxSamplesPerSend,
  });
}

function compressed(encoded: Uint8Array<ArrayBuffer>): EncodedSlice {
  return { body: compress(encoded), decodedBytes: encoded.length };
}

/**
 * Puts the parts of sending together: encode, compress, authorize, POST, count, retry, deliver.
 *
 * @module
 */
import { ByteBuffer } from "../wire/byte_buffer.ts";
import { encodeV1 } from "../wire/encode_v1.ts";
import { EncoderV2 } from "../wire/encode_v2.ts";
import { compress } from "../wire/snappy.ts";
import { type AuthOptions, resolveAuthorizer } from "./auth/resolve_authorizer.ts";
import type { Codec, Codecs, EncodedSlice } from "./codec.ts";
import { Delivery, type DeliveryOptions } from "./delivery.ts";
import { createHttpSender, type HttpSenderOptions } from "./http_sender.ts";
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

/**
 * Delivery to an endpoint over HTTP.
 *
 * @throws ConfigurationError where the URL, a header or the ways to authenticate cannot be used
 */
export function createDelivery(options: CreateDeliveryOptions): Delivery {
  const authorizer = resolveAuthorizer(options, { ...options, url: new URL(options.url) });
  const attempt = withStats(createHttpSender({ ...options, authorizer }), options);
  const send = withRetry(options.budget === undefined ? attempt : withBudget(attempt, options.budget), options);
  return new Delivery({ ...options, send, codecs: createCodecs() });
}

/** Encoders that share one buffer, which grows to the size of the largest request. */
function createCodecs(): Codecs {
  const buffer = new ByteBuffer();
  const encoderV2 = new EncoderV2();
  const codec = (encode: (slice: Parameters<Codec["encode"]>[0]) => Uint8Array<ArrayBuffer>): Codec => ({
    encode(slice): EncodedSlice {
      const encoded = encode(slice);
      return { body: compress(encoded), decodedBytes: encoded.length };
    },
  });
  return { "1.0": codec((slice) => encodeV1(slice, buffer)), "2.0": codec((slice) => encoderV2.encode(slice, buffer)) };
}

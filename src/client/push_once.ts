/**
 * A single push that keeps no state, for handlers at the edge.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { unexpected } from "./option_definition.ts";
import { type ClientOptions, resolveClientOptions } from "./client_options.ts";
import { createDelivery } from "../send/create_delivery.ts";
import { RequestBudget } from "../send/request_budget.ts";
import { SendStats } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { batchOf } from "../protocol/time_series_batch.ts";

/** The options of `pushOnce`: those of the client, with shorter times, and the bounds of one push. */
export interface PushOnceOptions extends ClientOptions {
  /** How long one attempt may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How long after the first attempt another attempt may begin, in milliseconds. @default 10000 */
  readonly retryDeadlineMs?: number | undefined;
  /** The most requests, including retries, redirects and tokens. Samples that are not sent by then are `deferred`. @default Infinity */
  readonly maxRequests?: number | undefined;
  /** Ends the push at once. Samples that are not sent by then are `deferred`. */
  readonly signal?: AbortSignal | undefined;
}

/** Workers allow 30 seconds after a response (`waitUntil`). An attempt that begins at the last moment ends in time. */
const defaults = { timeoutMs: 10_000, retryDeadlineMs: 10_000 } as const;

/**
 * Sends series once, with retries. It keeps no timer, no connection and no state after the call. It resolves when each sample is
 * delivered or given up; the report says which. It does not reject if the receiver refuses samples.
 *
 * @example
 * ```ts
 * import { pushOnce } from "k6-remote-write";
 *
 * const labels = [{ name: "__name__", value: "orders" }, { name: "shop", value: "berlin" }];
 * const { delivered } = await pushOnce([{ labels, samples: [{ value: 1, timestamp: Date.now() }] }], {
 *   url: "http://localhost:9090/api/v1/write",
 * });
 * console.log(delivered);
 * ```
 *
 * @throws ConfigurationError for an option that cannot be used
 * @throws FormatError for a series that cannot be sent. Nothing is sent then.
 */
export async function pushOnce(
  timeSeries: readonly TimeSeries[],
  options: PushOnceOptions = {},
): Promise<DeliveryReport> {
  const { signal = new AbortController().signal, maxRequests = Infinity, ...given } = options;
  if (!(maxRequests >= 1)) throw unexpected("maxRequests", maxRequests, "a number from 1");
  const resolved = resolveClientOptions(given, defaults);
  const { delivery } = createDelivery({
    ...resolved,
    budget: new RequestBudget(maxRequests),
    stats: new SendStats(),
    warnings: new Warnings(resolved.onWarning),
  });
  const batch = batchOf(timeSeries);
  return await delivery.deliver({ batch, from: 0, to: batch.length }, signal);
}

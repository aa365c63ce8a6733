/**
 * One push and nothing left behind: for handlers at the edge.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { ClientOptions } from "../k6/output/output_options.ts";
import { unexpected } from "./option_checks.ts";
import { resolveClientOptions } from "./resolve_client_options.ts";
import { createDelivery } from "../send/create_delivery.ts";
import { RequestBudget } from "../send/request_budget.ts";
import { SendStats } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { batchOf } from "../protocol/time_series_batch.ts";

/** Where to push, and how hard to try. */
export interface PushOnceOptions extends ClientOptions {
  /** How long one attempt may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How long after the first attempt another one may begin, in milliseconds. @default 10000 */
  readonly retryDeadlineMs?: number | undefined;
  /** Requests at most, those of retries, redirects and tokens included; what is not sent by then is `deferred`. @default Infinity */
  readonly maxRequests?: number | undefined;
  /** Ends the push at once; what is not sent by then is `deferred`. */
  readonly signal?: AbortSignal | undefined;
}

/** Workers give what runs after an answer (`waitUntil`) 30 seconds: an attempt that begins at the last moment ends in time. */
const defaults = { timeoutMs: 10_000, retryDeadlineMs: 10_000 } as const;

/**
 * Sends series once, with retries. It keeps nothing: no timer, no connection of its own, no state from one call to the next.
 * Resolves when each sample is delivered or given up, and says which; what a receiver refuses does not reject.
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
 * @throws ConfigurationError where an option makes no sense
 * @throws FormatError for a series that cannot be sent; nothing is sent then
 */
export async function pushOnce(
  timeSeries: readonly TimeSeries[],
  options: PushOnceOptions = {},
): Promise<DeliveryReport> {
  const { signal = new AbortController().signal, maxRequests = Infinity, ...given } = options;
  if (!(maxRequests >= 1)) throw unexpected("maxRequests", maxRequests, "a number from 1");
  const resolved = resolveClientOptions({ ...defaults, ...given });
  const { delivery } = createDelivery({
    ...resolved,
    budget: new RequestBudget(maxRequests),
    stats: new SendStats(),
    warnings: new Warnings(resolved.onWarning),
  });
  const batch = batchOf(timeSeries);
  return await delivery.deliver({ batch, from: 0, to: batch.length }, signal);
}

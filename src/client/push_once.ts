/**
 * A single push that keeps no state, for edge handlers.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import {
  clientOptionDefinitions,
  type ClientOptions,
  completeClientOptions,
  type OptionalClientOption,
} from "./client_options.ts";
import { checkOptions, type OptionDefinitions } from "./option_definition.ts";
import { createDelivery } from "../send/create_delivery.ts";
import { DeliveryJob } from "../send/delivery_job.ts";
import { RequestBudget } from "../send/request_budget.ts";
import { SendStats } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import type { SeriesArgument } from "../model/time_series.ts";
import { contentOf } from "../protocol/message_series.ts";
import { escapingOf } from "../protocol/name_escaping.ts";
import { utf8Names } from "../protocol/read_series.ts";
import { batchOf } from "../protocol/time_series_batch.ts";

/** The options of `pushOnce`: those of a client with shorter times, and the limits of one push. */
export interface PushOnceOptions extends ClientOptions {
  /** How long one attempt may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How long after the first attempt another attempt may begin, in milliseconds. @default 10000 */
  readonly retryDeadlineMs?: number | undefined;
  /**
   * The largest number of requests, including retries, redirects and requests for tokens. The other samples are `deferred`.
   * @default Infinity
   */
  readonly maxRequests?: number | undefined;
  /** Ends the push at once. The samples that were not sent are `deferred`. @default none */
  readonly signal?: AbortSignal | undefined;
}

const pushOptionDefinitions: OptionDefinitions<PushOnceOptions, OptionalClientOption | "signal"> = {
  ...clientOptionDefinitions,
  // Workers allow 30 seconds after a response (`waitUntil`). An attempt that begins at the last moment still ends in time.
  timeoutMs: { ...clientOptionDefinitions.timeoutMs, default: 10_000 },
  retryDeadlineMs: { ...clientOptionDefinitions.retryDeadlineMs, default: 10_000 },
  maxRequests: { kind: "number", min: 1, default: Infinity },
  signal: { kind: "signal" },
};

/**
 * Sends series once, with retries. It keeps no timer, no connection and no state after the call. It resolves when each sample is
 * delivered or given up, and reports both. It does not reject if the receiver refuses samples.
 *
 * @example
 * ```ts
 * import { pushOnce } from "k6-remote-write";
 *
 * const orders = { name: "orders_total", labels: { shop: "berlin" }, value: 1 };
 * const { delivered } = await pushOnce(orders, { url: "http://localhost:9090/api/v1/write" });
 * console.log(delivered);
 * ```
 *
 * @throws ConfigurationError for an option that cannot be used
 * @throws FormatError for a series that cannot be sent. Nothing is sent then.
 */
export async function pushOnce(
  series: SeriesArgument,
  options: PushOnceOptions = {},
): Promise<DeliveryReport> {
  const resolved = completeClientOptions(checkOptions(options, pushOptionDefinitions));
  const { delivery } = createDelivery({
    ...resolved,
    budget: new RequestBudget(resolved.maxRequests),
    searchMs: Math.max(resolved.timeoutMs, resolved.retryDeadlineMs),
    stats: new SendStats(),
    warnings: new Warnings(resolved.onWarning),
  });
  const batch = batchOf(contentOf(series, resolved.now()).timeSeries, {
    names: utf8Names,
    escaping: escapingOf(resolved),
  });
  const job = new DeliveryJob({ batch, from: 0, to: batch.length });
  return await delivery.deliver(job, resolved.signal ?? new AbortController().signal);
}

/**
 * The generic client: sends any time series, k6's or not.
 *
 * @module
 */
import { DeliveryError } from "../model/errors.ts";
import type { ClientOptions } from "../k6/output/output_options.ts";
import { resolveClientOptions } from "./resolve_client_options.ts";
import { createDelivery, createMetadataSender } from "../send/create_delivery.ts";
import type { Delivery } from "../send/delivery.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { MetadataSender } from "../send/metadata_sender.ts";
import { SendStats, type SendStatsSnapshot } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { MetadataStore } from "../protocol/metadata_store.ts";
import { batchOf } from "../protocol/time_series_batch.ts";

/**
 * Sends time series to a remote-write endpoint, with retries, splitting and bisection, but without a queue: `write` resolves
 * when all is delivered.
 *
 * @example
 * ```ts
 * import { RemoteWriteClient } from "k6-remote-write";
 *
 * const client = new RemoteWriteClient({ url: "http://localhost:9090/api/v1/write" });
 * await client.write([{
 *   labels: [{ name: "__name__", value: "temperature_celsius" }, { name: "room", value: "kitchen" }],
 *   samples: [{ value: 21.5, timestamp: Date.now() }],
 * }]);
 * ```
 */
export class RemoteWriteClient {
  readonly #delivery: Delivery;
  readonly #metadata: MetadataSender;
  readonly #families = new MetadataStore();
  readonly #stats = new SendStats();

  /** Sets everything up; sends nothing yet. @throws ConfigurationError where an option makes no sense */
  constructor(options: ClientOptions = {}) {
    const resolved = resolveClientOptions(options);
    const warnings = new Warnings(resolved.onWarning);
    const sending = { ...resolved, stats: this.#stats, warnings };
    const way = createDelivery(sending);
    this.#delivery = way.delivery;
    this.#metadata = createMetadataSender(sending, way);
  }

  /**
   * Sends series; labels and samples may come in any order. Calls for the same series must follow each other, not overlap, and
   * bring rising times: receivers refuse what is older than what they have.
   *
   * @throws FormatError for a series that cannot be sent; nothing of the call is sent then
   * @throws DeliveryError where not all was delivered; its message counts what was not
   */
  async write(
    timeSeries: readonly TimeSeries[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<DeliveryReport> {
    const batch = batchOf(timeSeries);
    const signal = options.signal ?? new AbortController().signal;
    const report = await this.#delivery.deliver({ batch, from: 0, to: batch.length }, signal);
    this.#families.addSeries(timeSeries);
    if (report.delivered > 0) await this.#metadata.flush(this.#families.all, signal);
    const { samples, delivered, failed, unknown, requests } = report;
    if (delivered === samples) return report;
    const reason = report.reasons[0]?.reason ?? (signal.aborted ? "aborted" : "not sent");
    throw new DeliveryError(
      `Cannot write: ${samples - delivered} of ${samples} samples were not delivered (${reason})`,
      {
        reason,
        attempts: requests,
        outcomeUnknown: failed + unknown > 0,
        report,
        cause: signal.aborted ? signal.reason : undefined,
      },
    );
  }

  /** What was done so far. */
  get stats(): SendStatsSnapshot {
    return this.#stats.snapshot();
  }
}

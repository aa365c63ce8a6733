/**
 * The generic client, which sends any time series.
 *
 * @module
 */
import { DeliveryError, type FormatError } from "../model/errors.ts";
import { type ClientOptions, resolveClientOptions } from "./client_options.ts";
import { createDelivery, createMetadataSender } from "../send/create_delivery.ts";
import { onAbort } from "../send/sleep.ts";
import type { Delivery } from "../send/delivery.ts";
import { DeliveryJob } from "../send/delivery_job.ts";
import { Quarantine } from "../send/quarantine.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { Liveness } from "../send/liveness.ts";
import type { MetadataSender } from "../send/metadata_sender.ts";
import { ReportBuilder } from "../send/report_builder.ts";
import { SendStats, type SendStatsSnapshot } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import type { SeriesArgument } from "../model/time_series.ts";
import { MetadataStore } from "../protocol/metadata_store.ts";
import { contentOf } from "../protocol/message_series.ts";
import { escapingOf, type NameEscaping } from "../protocol/name_escaping.ts";
import { utf8Names } from "../protocol/read_series.ts";
import { batchOf } from "../protocol/time_series_batch.ts";

/** The options of one call of `write`. */
export interface WriteOptions {
  /** Ends the call at once. @default none */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the error about each series that cannot be sent, and the number of its samples. The other series are sent, and the
   * report counts these samples as `dropped`.
   * @default the call sends nothing and rejects with the error
   */
  readonly onInvalid?: ((error: FormatError, samples: number) => void) | undefined;
}

/** A call of `write` that has not ended. Calls are sent in the order in which they began. */
interface Write {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  end(): void;
}

/**
 * Sends time series to a remote-write endpoint. It retries, splits and bisects requests, but has no queue: `write` resolves when
 * all samples are delivered.
 *
 * @example
 * ```ts
 * import { RemoteWriteClient } from "k6-remote-write";
 *
 * const client = new RemoteWriteClient({ url: "http://localhost:9090/api/v1/write" });
 * await client.write({ name: "temperature_celsius", labels: { room: "kitchen" }, value: 21.5 });
 * ```
 */
export class RemoteWriteClient {
  readonly #delivery: Delivery;
  readonly #quarantine = new Quarantine();
  readonly #metadataSender: MetadataSender;
  readonly #metadataStore = new MetadataStore();
  readonly #stats = new SendStats();
  readonly #liveness: Liveness;
  readonly #now: () => number;
  /** How names are escaped for 1.0; undefined if all requests are 2.0. */
  readonly #escaping: NameEscaping | undefined;
  /** The time of the last call, for samples without a time of their own. */
  #lastTime = -Infinity;
  /** The calls that have not ended, oldest first. */
  readonly #writes = new Set<Write>();

  /** Creates a client, without sending anything. @throws ConfigurationError for an option that cannot be used */
  constructor(options: ClientOptions = {}) {
    const resolved = resolveClientOptions(options);
    const warnings = new Warnings(resolved.onWarning);
    this.#now = resolved.now;
    this.#escaping = escapingOf(resolved);
    const sending = { ...resolved, stats: this.#stats, warnings };
    const endpoint = createDelivery(sending);
    this.#delivery = endpoint.delivery;
    this.#liveness = endpoint.liveness;
    this.#metadataSender = createMetadataSender(sending, endpoint);
  }

  /**
   * Sends series: one or a list, in their short form, in their full form, or as a message that protobuf-es generated. A value without
   * a timestamp gets the time of the call. Labels and samples may be in any order. The times of a series must rise from call to call,
   * because receivers refuse samples that are older than the newest one. Calls that overlap are sent one after the other.
   *
   * @throws FormatError for a series that cannot be sent, unless there is `onInvalid`. Nothing of the call is sent then.
   * @throws DeliveryError if some of the samples that can be sent were not delivered. Its message says how many.
   */
  async write(
    series: SeriesArgument,
    { signal = new AbortController().signal, onInvalid: tell }: WriteOptions = {},
  ): Promise<DeliveryReport> {
    // The times of a series must rise, also if two calls come within a millisecond.
    this.#lastTime = Math.max(this.#now(), this.#lastTime + 1);
    let invalid = 0;
    const builder = new ReportBuilder();
    const onInvalid = tell && ((error: FormatError, count: number): void => {
      invalid += count;
      builder.count("dropped", count, error.message);
      tell(error, count);
    });
    const { timeSeries, metadata } = contentOf(series, this.#lastTime, onInvalid);
    const batch = batchOf(timeSeries, { names: utf8Names, escaping: this.#escaping, onInvalid });
    const job = new DeliveryJob({ batch, from: 0, to: batch.length });
    builder.add(await this.#deliver(job, signal));
    const report = builder.report();
    for (const [family, known] of metadata) this.#metadataStore.add(family, known);
    this.#metadataStore.addSeries(timeSeries);
    if (report.delivered > 0) await this.#metadataSender.flush(this.#metadataStore.all, signal);
    const { delivered, failed, unknown, requests } = report;
    const samples = report.samples - invalid;
    if (delivered === samples) return report;
    const reason = report.reasons[0]?.reason ?? (signal.aborted ? "aborted" : "not sent");
    throw new DeliveryError(
      `Cannot write: ${samples - delivered} of ${samples} samples were not delivered (${reason})`,
      {
        reason,
        attempts: requests,
        outcomeUnknown: failed + unknown > job.unread,
        report,
        cause: signal.aborted ? signal.reason : undefined,
      },
    );
  }

  /** Delivers after the calls before this one have ended. */
  async #deliver(job: DeliveryJob, signal: AbortSignal): Promise<DeliveryReport> {
    // A user may pass the same signal to several calls.
    const controller = new AbortController();
    let resolve = (): void => {};
    const ended = new Promise<void>((resolved) => resolve = resolved);
    const end = (): void => {
      this.#writes.delete(own);
      resolve();
    };
    const own: Write = { controller, ended, end };
    this.#writes.add(own);
    const forget = onAbort(signal, () => controller.abort(signal.reason));
    try {
      for (const before of this.#writes) {
        if (before === own || controller.signal.aborted) break;
        await this.#liveness.watch(before.ended, {
          leftMs: () => this.#liveness.leftMs(before.controller.signal),
          // In workerd, the request that made this call may have been cancelled. Then the call does not end by itself.
          onStuck: () => {
            before.controller.abort();
            before.end();
          },
          own: controller.signal,
        });
      }
      return await this.#delivery.deliver(job, controller.signal, { quarantine: this.#quarantine });
    } finally {
      forget();
      end();
    }
  }

  /** A copy of the statistics of all calls so far. */
  get stats(): SendStatsSnapshot {
    return this.#stats.snapshot();
  }
}

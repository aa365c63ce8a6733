import type { DeliveryReport } from "../model/delivery_report.ts";
import { BusyError } from "../model/errors.ts";
import {
  clientOptionDefinitions,
  type ClientOptions,
  completeClientOptions,
  type OptionalClientOption,
} from "../client/client_options.ts";
import { checkOptions, type OptionDefinitions } from "../client/option_definition.ts";
import { type OptionalQueueOption, queueOptionDefinitions, type QueueOptions } from "../client/queue_options.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import {
  checkReceiverOptions,
  type PartialWrite,
  type ReceivedWrite,
  type ReceiverOptions,
} from "../receive/receiver_options.ts";
import { countValues, nothingWritten } from "../receive/responses.ts";
import { Closing } from "../send/closing.ts";
import { createDelivery, createMetadataSender } from "../send/create_delivery.ts";
import type { MetadataSender } from "../send/metadata_sender.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import { Outage } from "../send/outage.ts";
import { ReportBuilder } from "../send/report_builder.ts";
import { SendStats, type SendStatsSnapshot } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import { type CloseOptions, type SampleQueue, WriteQueue } from "../send/write_queue.ts";
import { metricName } from "../model/labels.ts";
import type { TimeSeries } from "../model/time_series.ts";
import type { Batch } from "../protocol/batch.ts";
import { MetadataStore } from "../protocol/metadata_store.ts";
import { escapingOf, type NameEscaping } from "../protocol/name_escaping.ts";
import { utf8Names } from "../protocol/read_series.ts";
import { SeriesCache } from "../protocol/series_cache.ts";
import { batchesOf } from "../protocol/time_series_batch.ts";

/** Options of a forwarder's receiver. */
export interface ForwarderReceiverOptions extends Omit<ReceiverOptions, "onWrite"> {
  /**
   * Called with each write before the write goes into the queue. If it throws, the sender gets 500 and sends again. It may see
   * a write twice: the sender sends again if the queue became full in the meantime.
   */
  readonly onWrite?: ((write: ReceivedWrite) => void | Promise<void>) | undefined;
}

/** Options of a forwarder: those of a client, of its queue, and of its receiver. */
export interface ForwarderOptions extends ClientOptions, QueueOptions {
  /**
   * How long the forwarder tries to deliver a request, in milliseconds. By default it does not give up, because the sender was
   * told that the request was accepted. The exceptions are samples that the endpoint rejects, and samples that it answers with 500
   * for some minutes although they are sent alone or cannot be sent in smaller requests: they would stop all others.
   *
   * @default Infinity
   */
  readonly retryDeadlineMs?: number | undefined;
  /** The options of the receiver: who may send, how much, and in which versions. */
  readonly receiver?: ForwarderReceiverOptions | undefined;
}

const forwarderOptionDefinitions: OptionDefinitions<ForwarderOptions, OptionalClientOption | OptionalQueueOption> = {
  ...clientOptionDefinitions,
  ...queueOptionDefinitions,
  retryDeadlineMs: { ...clientOptionDefinitions.retryDeadlineMs, default: Infinity },
  receiver: { kind: "receiver", default: {} },
};

/** How long a sender should wait if the queue is full. Usually, at least one request has left the queue by then. */
const retryAfterMs = 1000;

/**
 * Receives remote write 1.0 and 2.0, and forwards valid series to another endpoint through a bounded queue, with retries and in
 * order. Pages and edge workers can use it to push to an endpoint that they cannot reach, whose credentials they must not know,
 * or that does not allow their origin.
 *
 * The forwarder answers when the series are in the queue, not when they are delivered. The answer is 204, or 400 with the reason
 * if some series cannot be sent: it forwards the other series of a 2.0 request, but nothing of a 1.0 request, as 1.0 senders
 * expect. While the queue is full, the forwarder accepts nothing and answers 429 with Retry-After. Without a `spool`, the queue is in
 * memory: if the process is killed before `close()` has resolved, its content is lost.
 */
export class RemoteWriteForwarder implements AsyncDisposable {
  /** Answers a request. A handler for `Deno.serve`, `Bun.serve` and workers that never rejects. */
  readonly handle: (request: Request) => Promise<Response>;
  readonly #onWrite: ForwarderReceiverOptions["onWrite"];
  readonly #shards: number;
  /** How names are escaped for 1.0; undefined if all requests are 2.0. */
  readonly #escaping: NameEscaping | undefined;
  readonly #closeTimeoutMs: number;
  readonly #queue: SampleQueue;
  readonly #metadataSender: MetadataSender;
  readonly #warnings: Warnings;
  readonly #stats = new SendStats();
  readonly #metadataStore = new MetadataStore();
  readonly #seriesCache = new SeriesCache();
  readonly #report = new ReportBuilder();
  readonly #pending = new Set<Promise<void>>();
  readonly #closing: Closing<DeliveryReport>;

  /** Creates a forwarder; sends nothing. @throws {ConfigurationError} if an option is unknown or has a wrong value */
  constructor(options: ForwarderOptions = {}) {
    const { receiver, ...resolved } = completeClientOptions(checkOptions(options, forwarderOptionDefinitions));
    this.#closing = new Closing(resolved.sleep);
    this.#shards = resolved.shards;
    this.#escaping = escapingOf(resolved);
    this.#closeTimeoutMs = resolved.closeTimeoutMs;
    this.#warnings = new Warnings(resolved.onWarning);
    const outage = new Outage({ ...resolved, sharedDeadline: false });
    const sending = { ...resolved, outage, stats: this.#stats, warnings: this.#warnings };
    const endpoint = createDelivery(sending);
    this.#metadataSender = createMetadataSender(sending, endpoint);
    // The queue drops nothing, because the senders were told that it was accepted. A full queue refuses instead.
    const limits = { ...sending, overflow: "block", escaping: this.#escaping } as const;
    const queue = new WriteQueue({ ...limits, onRefusal: "wait", ...endpoint });
    this.#queue = resolved.spool?.before(queue, limits) ?? queue;
    checkReceiverOptions(receiver);
    this.#onWrite = receiver.onWrite;
    this.handle = createReceiver({ ...receiver, onWrite: (write) => this.#accept(write) });
  }

  /** Resolves when everything accepted so far is delivered or given up. Pass it to a worker's `waitUntil`. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /**
   * Accepts nothing more, and waits at most `closeTimeoutMs` until the queue is empty. Another call returns the same report; its
   * `timeoutMs` and its `signal` can end the wait earlier.
   *
   * @returns the report of everything that was accepted; never rejects
   */
  close(options: CloseOptions = {}): Promise<DeliveryReport> {
    return this.#closing.begin(options, (signal) => this.#close({ ...options, signal }));
  }

  /** A copy of the statistics of forwarding so far. */
  get stats(): SendStatsSnapshot {
    return this.#stats.snapshot();
  }

  /** Closes the forwarder, for `await using`. The report is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(write: ReceivedWrite): Promise<PartialWrite> {
    this.#checkRoom();
    if (this.#onWrite !== undefined) {
      await this.#onWrite(write);
      // Other requests may have filled the queue in the meantime.
      this.#checkRoom();
    }
    for (const [name, metadata] of write.metadata) this.#metadataStore.add(name, metadata);
    this.#metadataStore.addSeries(write.timeSeries);
    const reasons: string[] = [];
    const batches = batchesOf(write.timeSeries.map((series) => this.#withMetadata(series)), {
      shards: this.#shards,
      names: utf8Names,
      cache: this.#seriesCache,
      escaping: this.#escaping,
      // Exemplars that come without a sample cannot be sent. That is no reason to refuse the request.
      onInvalid: ({ message }, samples) => samples > 0 && reasons.push(message),
    });
    const [first] = reasons;
    const reason = reasons.length > 1 ? `${first}; and ${reasons.length - 1} more` : first;
    if (reason !== undefined) {
      this.#warnings.once(`${first}. It is not forwarded. Further series of this kind are refused without a warning.`);
      // Prometheus stores nothing of a refused 1.0 request, and 1.0 senders rely on it: they may send the valid part again.
      if (write.version === "1.0") {
        return { written: nothingWritten, reason: `${reason}; nothing of the request was accepted` };
      }
    }
    batches.forEach((batch, shard) => batch !== undefined && this.#enqueue(shard, batch));
    const written = countWritten(batches);
    if (reason !== undefined) return { written, reason: `${reason}; the other series were accepted` };
    return { written: { ...countValues(write.timeSeries), exemplars: written.exemplars } };
  }

  #checkRoom(): void {
    const problem = this.#closing.hasBegun
      ? "the forwarder is closed"
      : this.#queue.isFull
      ? "the queue is full"
      : undefined;
    if (problem !== undefined) throw new BusyError(`Cannot accept the request: ${problem}`, { retryAfterMs });
  }

  /** Adds the metadata that a 1.0 sender sent separately. */
  #withMetadata(series: TimeSeries): TimeSeries {
    if (series.metadata !== undefined) return series;
    const metadata = this.#metadataStore.of(metricName(series.labels) ?? "");
    return metadata === undefined ? series : { ...series, metadata };
  }

  #enqueue(shard: number, batch: Batch): void {
    const done = this.#queue.push(shard, batch).then(async (report) => {
      this.#report.add(report);
      if (report.delivered > 0) await this.#metadataSender.flush(this.#metadataStore.all, this.#queue.signal);
      this.#pending.delete(done);
    });
    this.#pending.add(done);
  }

  async #close({ timeoutMs = this.#closeTimeoutMs, signal }: CloseOptions): Promise<DeliveryReport> {
    await this.#queue.close({ timeoutMs, signal, finish: () => this.settled() });
    return this.#report.report();
  }
}

/** Counts the values that were accepted. */
function countWritten(batches: readonly (Batch | undefined)[]): WrittenCounts {
  let [samples, histograms, exemplars] = [0, 0, 0];
  for (const batch of batches) {
    if (batch === undefined) continue;
    samples += batch.length - batch.histograms.size;
    histograms += batch.histograms.size;
    for (const { length } of batch.exemplars.values()) exemplars += length;
  }
  return { samples, histograms, exemplars };
}

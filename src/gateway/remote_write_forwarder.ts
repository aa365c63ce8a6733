/**
 * A receiver that sends on what it takes: so that pages and edge workers can push to an endpoint that they cannot reach, whose
 * credentials they must not know, or that does not allow their origin.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { BusyError } from "../model/errors.ts";
import type { ClientOptions, RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { resolveOptions } from "../k6/output/resolve_options.ts";
import { compareUtf8 } from "../receive/format_series.ts";
import { countValues, nothingWritten } from "../receive/written.ts";
import {
  createReceiver,
  type PartialWrite,
  type ReceivedWrite,
  type ReceiverOptions,
} from "../receive/create_receiver.ts";
import { createDelivery, createMetadataSender } from "../send/create_delivery.ts";
import type { MetadataSender } from "../send/metadata_sender.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import { Outage } from "../send/outage.ts";
import { ReportBuilder } from "../send/report_builder.ts";
import { SendStats, type SendStatsSnapshot } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import { type CloseOptions, WriteQueue } from "../send/write_queue.ts";
import type { TimeSeries } from "../model/time_series.ts";
import type { Batch } from "../protocol/batch.ts";
import { MetadataStore } from "../protocol/metadata_store.ts";
import { batchesOf, type NameRules } from "../protocol/time_series_batch.ts";

/** How a forwarder receives. */
export interface ForwarderReceiverOptions extends Omit<ReceiverOptions, "onWrite"> {
  /**
   * Sees what arrives before it goes into the queue, and again what the queue had no room for in the meantime; where it throws, the
   * sender is answered 500 and sends again.
   */
  readonly onWrite?: ((write: ReceivedWrite) => void | Promise<void>) | undefined;
}

/** Where to forward to, what may wait, and how to receive. */
export interface ForwarderOptions
  extends ClientOptions, Pick<RemoteWriteOutputOptions, "shards" | "capacity" | "maxQueueBytes" | "closeTimeoutMs"> {
  /**
   * How long a request is tried in all, in milliseconds. Its sender was told that it is taken, and the queue's bound makes
   * senders wait. @default Infinity
   */
  readonly retryDeadlineMs?: number | undefined;
  /** How to receive. */
  readonly receiver?: ForwarderReceiverOptions | undefined;
}

/** Names of any characters, as 2.0 allows them. */
const utf8Names: NameRules = {
  metric: /^[^]+$/,
  label: /^[^]+$/,
  compare: (a, b) => compareUtf8(a.name, b.name),
};

/** When a sender that met a full queue should come again: by then, a request or more has left it. */
const retryAfterMs = 1000;

/**
 * Receives remote write 1.0 and 2.0, and sends what is valid to another endpoint, through a bounded queue, with retries, each
 * series in its order.
 *
 * A sender is answered when the queue has taken what it sent, not when that is delivered: 204, or 400 with the reason where some
 * series cannot be sent on (in 2.0 the others are, in 1.0 none, as its senders expect). While the queue is full, nothing is taken
 * and the answer is 429 with Retry-After. The queue is in memory: what is in it is lost if the process is killed before `close()`
 * has resolved.
 *
 * @example
 * ```ts
 * import { RemoteWriteForwarder } from "k6-remote-write";
 *
 * const forwarder = new RemoteWriteForwarder({
 *   url: "http://localhost:9090/api/v1/write",
 *   receiver: { cors: "https://shop.example.com" },
 * });
 * const response = await forwarder.handle(new Request("http://localhost/api/v1/write"));
 * console.log(response.status); // 405: it is not a POST.
 * await forwarder.close();
 * ```
 */
export class RemoteWriteForwarder implements AsyncDisposable {
  /** Answers a request; a handler for `Deno.serve`, `Bun.serve` and workers. Never rejects. */
  readonly handle: (request: Request) => Promise<Response>;
  readonly #onWrite: ForwarderReceiverOptions["onWrite"];
  readonly #shards: number;
  /** Whether the endpoint gets 2.0 whatever it says; otherwise, what waits may have to go in 1.0. */
  readonly #isV2: boolean;
  readonly #closeTimeoutMs: number;
  readonly #queue: WriteQueue;
  readonly #metadata: MetadataSender;
  readonly #warnings: Warnings;
  readonly #stats = new SendStats();
  readonly #families = new MetadataStore();
  readonly #account = new ReportBuilder();
  readonly #underWay = new Set<Promise<void>>();
  #closing: Promise<DeliveryReport> | undefined;

  /** Sets everything up; sends nothing yet. @throws ConfigurationError where an option makes no sense */
  constructor({ receiver = {}, ...options }: ForwarderOptions = {}) {
    const resolved = resolveOptions({ ...options, retryDeadlineMs: options.retryDeadlineMs ?? Infinity });
    this.#shards = resolved.shards;
    this.#isV2 = resolved.protocol === "2.0";
    this.#closeTimeoutMs = resolved.closeTimeoutMs;
    this.#warnings = new Warnings(resolved.onWarning);
    const outage = new Outage({ ...resolved, sharedDeadline: false });
    const sending = { ...resolved, outage, stats: this.#stats, warnings: this.#warnings };
    const way = createDelivery(sending);
    this.#metadata = createMetadataSender(sending, way);
    // Nothing that a sender was told to be taken is dropped: what is more than fits is refused.
    this.#queue = new WriteQueue({ ...sending, overflow: "block", delivery: way.delivery });
    this.#onWrite = receiver.onWrite;
    this.handle = createReceiver({ ...receiver, onWrite: (write) => this.#take(write) });
  }

  /** Resolves when all that was taken so far is delivered or given up: for `waitUntil`, where nothing runs after the answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /**
   * Takes nothing more, and waits for what is in the queue, up to `closeTimeoutMs`.
   *
   * @returns the account of all that was taken; never rejects
   */
  close(options: CloseOptions = {}): Promise<DeliveryReport> {
    return this.#closing ??= this.#close(options);
  }

  /** What was done so far. */
  get stats(): SendStatsSnapshot {
    return this.#stats.snapshot();
  }

  /** Closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #take(write: ReceivedWrite): Promise<PartialWrite> {
    this.#checkRoom();
    if (this.#onWrite !== undefined) {
      await this.#onWrite(write);
      // Others may have filled it meanwhile.
      this.#checkRoom();
    }
    for (const [name, metadata] of write.metadata) this.#families.add(name, metadata);
    this.#families.addSeries(write.timeSeries);
    const reasons: string[] = [];
    const batches = batchesOf(write.timeSeries.map((series) => this.#withMetadata(series)), {
      shards: this.#shards,
      names: this.#isV2 && write.version === "2.0" ? utf8Names : undefined,
      // Exemplars may come on their own; there is nothing to send them with.
      onInvalid: ({ message }, samples) => samples > 0 && reasons.push(message),
    });
    const [reason] = reasons;
    const takesAll = reason === undefined;
    if (!takesAll) this.#warnings.once(`${reason}. It is not forwarded; further ones of this kind are only refused.`);
    const others = reasons.length > 1 ? `; and ${reasons.length - 1} more` : "";
    if (!takesAll && write.version === "1.0") {
      // A sender of 1.0 goes by what Prometheus does: of a refused request, nothing is stored. What is good it may send again.
      return { written: nothingWritten, reason: `${reason}${others}; nothing of the request is taken` };
    }
    batches.forEach((batch, shard) => batch !== undefined && this.#enqueue(shard, batch));
    const written = countWritten(batches);
    if (!takesAll) return { written, reason: `${reason}${others}; the others are taken` };
    return { written: { ...countValues(write.timeSeries), exemplars: written.exemplars } };
  }

  #checkRoom(): void {
    const problem = this.#closing !== undefined ? "it is closed" : this.#queue.isFull ? "the queue is full" : undefined;
    if (problem !== undefined) throw new BusyError(`Cannot take the request: ${problem}`, { retryAfterMs });
  }

  /** In 1.0, metadata comes apart from the series. */
  #withMetadata(series: TimeSeries): TimeSeries {
    if (series.metadata !== undefined) return series;
    const name = series.labels.find((label) => label.name === "__name__")?.value;
    return name === undefined ? series : { ...series, metadata: this.#families.of(name) };
  }

  #enqueue(shard: number, batch: Batch): void {
    const done = this.#queue.push(shard, batch).then(async (report) => {
      this.#account.add(report);
      if (report.delivered > 0) await this.#metadata.flush(this.#families.all, this.#queue.signal);
      this.#underWay.delete(done);
    });
    this.#underWay.add(done);
  }

  async #close({ timeoutMs = this.#closeTimeoutMs, signal }: CloseOptions): Promise<DeliveryReport> {
    await this.#queue.close({ timeoutMs, signal, finish: () => this.settled() });
    return this.#account.report();
  }
}

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

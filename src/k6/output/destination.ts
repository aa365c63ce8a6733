/**
 * One endpoint of an output, with its own queue, counts and warnings: what happens to it does not affect the others.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import type { Metadata } from "../../model/time_series.ts";
import type { Batch } from "../../protocol/batch.ts";
import { type Codecs, createDelivery, createMetadataSender } from "../../send/create_delivery.ts";
import type { MetadataSender } from "../../send/metadata_sender.ts";
import { Outage } from "../../send/outage.ts";
import { mergeReports, ReportBuilder } from "../../send/report_builder.ts";
import type { RequestBudget } from "../../send/request_budget.ts";
import { untilAborted } from "../../send/sleep.ts";
import { type DropReason, SendStats, type SendStatsSnapshot } from "../../send/stats.ts";
import { Warnings } from "../../send/warnings.ts";
import { TotalsQueue } from "../../send/totals_queue.ts";
import type { PushOptions, QueueCloseOptions, SampleQueue } from "../../send/write_queue.ts";
import { EndpointLabels } from "./endpoint_labels.ts";
import type { ResolvedEndpoint } from "./endpoint_options.ts";
import type { ResolvedOptions } from "./resolve_options.ts";
import { RunTotals } from "./run_totals.ts";

/**
 * An endpoint that accepts nothing for this long counts as down, in milliseconds. Before, a caller waits for it, because a restart or
 * a limit on its rate must not lose samples.
 */
const downAfterMs = 30_000;

/** How an output uses its endpoints. */
interface DestinationOptions {
  /** The options of the output. */
  readonly output: ResolvedOptions;
  /** Limits the requests of a flush. */
  readonly budget: RequestBudget;
  /** The encoders, if the endpoint shares them with others. */
  readonly codecs: Codecs | undefined;
  /** Whether the output has other endpoints, too. */
  readonly isOneOfSeveral: boolean;
}

/** Sends what an output makes to one endpoint. */
export class Destination {
  readonly name: string;
  readonly #stats = new SendStats();
  readonly #totals = new RunTotals();
  readonly #queue: SampleQueue;
  readonly #metadataSender: MetadataSender;
  readonly #warnings: Warnings;
  /** Whether samples are dropped while the endpoint is down and the queue is full. */
  readonly #dropsNew: boolean;
  readonly #labels: EndpointLabels | undefined;
  readonly #outage: Outage;
  readonly #monotonicNow: () => number;
  /** What was pushed since the metadata was sent. */
  #pushed: Promise<DeliveryReport>[] = [];
  /** Samples that were delivered since metadata was sent. */
  #delivered = 0;

  constructor(endpoint: ResolvedEndpoint, { output, budget, codecs, isOneOfSeveral }: DestinationOptions) {
    this.name = endpoint.name;
    const { onWarning } = endpoint;
    const warnings = new Warnings(isOneOfSeveral ? (message) => onWarning(`${this.name}: ${message}`) : onWarning);
    if (changesLabels(endpoint)) {
      this.#labels = new EndpointLabels(endpoint, (message) => warnings.once(message));
    }
    // A caller that waits for room must not wait for the deadline of each batch. Without such a caller, the queue's limits suffice.
    const outage = this.#outage = new Outage({ ...endpoint, sharedDeadline: output.overflow === "block" });
    const sending = { ...output, ...endpoint, budget, codecs, outage, stats: this.#stats, warnings };
    const sender = createDelivery(sending);
    this.#metadataSender = createMetadataSender(sending, sender);
    const { spool } = endpoint;
    const onRefusal = output.windows === "event" ? "stop" : spool === undefined ? "defer" : "wait";
    // With a spool, the queue in memory never gets more than it may have.
    const overflow = spool === undefined ? output.overflow : "block";
    this.#warnings = warnings;
    this.#monotonicNow = output.monotonicNow;
    // Nothing waits for one of several endpoints while it is down.
    this.#dropsNew = isOneOfSeveral && spool === undefined && output.overflow === "block";
    const queue = new TotalsQueue({ ...sending, ...sender, overflow, onRefusal });
    this.#queue = spool?.before(queue, sending) ?? queue;
  }

  /** Whether it still sends: false after a refusal that stopped it. */
  get isSending(): boolean {
    return this.#queue.isSending;
  }

  /** Whether it accepted nothing for so long that the others must not wait for it. */
  get isDown(): boolean {
    const sinceMs = this.#stats.failingSinceMs ?? this.#outage.refusedSinceMs ?? Infinity;
    return this.#monotonicNow() - sinceMs >= downAfterMs;
  }

  /** Whether a caller should wait before it adds more. */
  get isFull(): boolean {
    return this.#queue.isFull;
  }

  /** The age of the oldest batch, in milliseconds; 0 if there is none. */
  get lagMs(): number {
    return this.#queue.lagMs;
  }

  /** A copy of the statistics so far. */
  get stats(): SendStatsSnapshot {
    return this.#stats.snapshot();
  }

  /** Adds a batch, which must not change any more. Resolves like `WriteQueue.push`. */
  push(shard: number, batch: Batch, options: PushOptions): Promise<DeliveryReport> {
    const pushed = this.#push(shard, batch, options);
    this.#pushed.push(pushed);
    return pushed;
  }

  async #push(shard: number, batch: Batch, options: PushOptions): Promise<DeliveryReport> {
    const own = this.#labels?.relabel(batch) ?? batch;
    if (own.length === 0) return mergeReports([]);
    this.#totals.emit(own.length);
    if (this.#dropsNew && this.isDown && this.isFull) return this.#drop(own.length);
    return this.#count(await this.#queue.push(shard, own, options));
  }

  /** Counts samples that were lost before the queue. */
  lose(samples: number, { drop, reason }: { readonly drop: DropReason; readonly reason: string }): void {
    this.#totals.lose(samples, reason);
    this.#stats.dropped(drop, samples);
  }

  /** Returns a report of the samples that were lost before the queue since the last call. */
  takeLost(): DeliveryReport {
    return this.#totals.takeLost();
  }

  /** Begins a new flush. Resolves with what happens to the batches that earlier flushes deferred. */
  resume(): Promise<DeliveryReport> {
    const resumed = this.#queue.resume().then((report) => this.#count(report));
    this.#pushed.push(resumed);
    return resumed;
  }

  /** Takes over what a cancelled request left. */
  watch(until: Promise<unknown>): Promise<void> {
    return this.#queue.watch(until);
  }

  /** Resolves when the queue has room. */
  ready(signal: AbortSignal | undefined, options: { readonly untilDeferred: boolean }): Promise<void> {
    return this.#queue.ready(signal, options);
  }

  /**
   * Sends the output's metadata, or that of the endpoint's own names, after the samples that were pushed since the last call, which
   * are more important. It sends none if none of them was delivered: their responses show the receiver's protocol version.
   */
  async flushMetadata(metadata: ReadonlyMap<string, Metadata>): Promise<void> {
    const pushed = this.#pushed;
    this.#pushed = [];
    await Promise.all(pushed);
    if (this.#delivered === 0) return;
    this.#delivered = 0;
    await this.#metadataSender.flush(this.#labels?.metadata ?? metadata, this.#queue.signal);
  }

  /** Closes the queue. Resolves with the report of the whole run; never rejects. */
  async close(
    options: Omit<QueueCloseOptions, "finish"> & {
      /** What else the caller waits for, until the signal fires. It must not reject. */
      finish(signal: AbortSignal): Promise<unknown>;
    },
  ): Promise<DeliveryReport> {
    const { signal } = this.#queue;
    const finish = async (): Promise<void> => {
      await options.finish(signal);
      await untilAborted(this.#metadataSender.settled(), signal).catch(() => {});
    };
    this.#count(await this.#queue.close({ ...options, finish }));
    return this.#totals.close();
  }

  #drop(samples: number): DeliveryReport {
    this.#warnings.once(
      "The endpoint is down and its queue is full, so newer samples are dropped until it answers again.",
    );
    this.#stats.dropped("queue_full", samples);
    const dropped = new ReportBuilder();
    dropped.count("dropped", samples, "the queue was full while the endpoint was down");
    return this.#count(dropped.report());
  }

  #count(report: DeliveryReport): DeliveryReport {
    this.#delivered += report.delivered;
    return this.#totals.count(report);
  }
}

/** Reports whether an endpoint gets other labels than the output makes. */
export function changesLabels({ labels, relabel }: ResolvedEndpoint): boolean {
  return relabel !== undefined || Object.keys(labels).length > 0;
}

/** Returns the sum of the statistics of several senders. */
export function sumStats([first, ...others]: readonly SendStatsSnapshot[]): SendStatsSnapshot {
  if (first === undefined) return new SendStats().snapshot();
  return others.reduce((sum, next) => ({
    samplesTotal: sum.samplesTotal + next.samplesTotal,
    samplesFailedTotal: sum.samplesFailedTotal + next.samplesFailedTotal,
    samplesRetriedTotal: sum.samplesRetriedTotal + next.samplesRetriedTotal,
    samplesDroppedTotal: sumOf(sum.samplesDroppedTotal, next.samplesDroppedTotal),
    samplesPending: sum.samplesPending + next.samplesPending,
    bytesTotal: sum.bytesTotal + next.bytesTotal,
    requestsTotal: sum.requestsTotal + next.requestsTotal,
    requestDuration: {
      bounds: sum.requestDuration.bounds,
      counts: sum.requestDuration.counts.map((count, index) => count + (next.requestDuration.counts[index] ?? 0)),
      sum: sum.requestDuration.sum + next.requestDuration.sum,
      count: sum.requestDuration.count + next.requestDuration.count,
    },
    highestSentTimestampMs: newest(sum.highestSentTimestampMs, next.highestSentTimestampMs),
  }), first);
}

function sumOf(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums = { ...a };
  for (const [name, count] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function newest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

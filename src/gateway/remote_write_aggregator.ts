import { BusyError, reasonOf } from "../model/errors.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { completeClientOptions } from "../client/client_options.ts";
import { Batch } from "../protocol/batch.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import type { PartialWrite, ReceivedWrite } from "../receive/receiver_options.ts";
import { countValues } from "../receive/responses.ts";
import { Closing } from "../send/closing.ts";
import { createDelivery, createMetadataSender } from "../send/create_delivery.ts";
import type { MetadataSender } from "../send/metadata_sender.ts";
import { Outage } from "../send/outage.ts";
import { mergeReports, ReportBuilder } from "../send/report_builder.ts";
import type { Sleep } from "../send/sleep.ts";
import { SendStats, type SendStatsSnapshot } from "../send/stats.ts";
import { Warnings } from "../send/warnings.ts";
import { TotalsQueue } from "../send/totals_queue.ts";
import type { CloseOptions, PushOptions } from "../send/write_queue.ts";
import { Journal } from "./aggregator_journal.ts";
import { type AggregatorOptions, checkAggregatorOptions } from "./aggregator_options.ts";
import { type AggregatorCounts, AggregatorState, type Flush } from "./aggregator_state.ts";
import type { ForwarderReceiverOptions } from "./remote_write_forwarder.ts";

/** What an aggregator has done so far. */
export interface AggregatorStats extends Readonly<AggregatorCounts> {
  /** How many senders are remembered. */
  readonly senders: number;
  /** How many series are sent. */
  readonly series: number;
  /** The memory of the state, in bytes, estimated. */
  readonly bytes: number;
  /** How many requests were answered 429 because a limit was reached. */
  readonly busy: number;
  /** The statistics of sending the sums to the endpoint. */
  readonly sending: SendStatsSnapshot;
}

/**
 * Receives remote write 1.0 and 2.0 from many senders that come and go, and sends one series for each label set that remains when
 * the labels that distinguish the senders are removed. Use it for short-lived senders such as edge isolates, whose counters
 * Prometheus cannot add up.
 *
 * For counters and histograms, the aggregator adds up the increases of each sender. When a sender ends, the sum stays. A request that
 * arrives twice changes nothing, so a sender may send it again if it got no response.
 *
 * @example
 * ```ts
 * import { RemoteWriteAggregator } from "k6-remote-write/gateway";
 *
 * const aggregator = new RemoteWriteAggregator({
 *   url: "http://localhost:9090/api/v1/write",
 *   without: ["instance"],
 *   intervalMs: 0, // flush() sends
 * });
 * const response = await aggregator.handle(new Request("http://localhost/"));
 * console.log(response.status); // 405, because the request is not a POST
 * await aggregator.close();
 * ```
 */
export class RemoteWriteAggregator implements AsyncDisposable {
  /** Answers a request. A handler for `Deno.serve`, `Bun.serve` and workers that never rejects. */
  readonly handle: (request: Request) => Promise<Response>;
  readonly #state: AggregatorState;
  readonly #journal: Journal | undefined;
  readonly #onWrite: ForwarderReceiverOptions["onWrite"];
  readonly #queue: TotalsQueue;
  readonly #metadataSender: MetadataSender;
  readonly #stats = new SendStats();
  readonly #warnings: Warnings;
  readonly #report = new ReportBuilder();
  readonly #sleep: Sleep;
  readonly #intervalMs: number;
  readonly #closeTimeoutMs: number;
  readonly #shards: number;
  /** The flushes that have not ended. */
  readonly #pending = new Set<Promise<unknown>>();
  #busy = 0;
  #opened: Promise<void> | undefined;
  #stopTimer: AbortController | undefined;
  readonly #closing: Closing<DeliveryReport>;

  /** Creates an aggregator; sends and reads nothing. @throws {ConfigurationError} if an option is unknown or has a wrong value */
  constructor(options: AggregatorOptions = {}) {
    const { receiver, store, ...resolved } = completeClientOptions(checkAggregatorOptions(options));
    this.#warnings = new Warnings(resolved.onWarning);
    this.#state = new AggregatorState({ ...resolved, isStored: store !== undefined, warnings: this.#warnings });
    this.#journal = store && new Journal(store, this.#state);
    this.#sleep = resolved.sleep;
    this.#closing = new Closing(resolved.sleep);
    this.#intervalMs = resolved.intervalMs;
    this.#closeTimeoutMs = resolved.closeTimeoutMs;
    this.#shards = resolved.shards;
    const outage = new Outage({ ...resolved, sharedDeadline: false });
    const sending = { ...resolved, outage, stats: this.#stats, warnings: this.#warnings };
    const endpoint = createDelivery(sending);
    this.#metadataSender = createMetadataSender(sending, endpoint);
    // Newer values replace those that the queue drops.
    this.#queue = new TotalsQueue({ ...sending, overflow: "drop-oldest", onRefusal: "wait", ...endpoint });
    this.#onWrite = receiver.onWrite;
    this.handle = createReceiver({ ...receiver, onWrite: (write) => this.#accept(write) });
  }

  /**
   * Reads the store, and begins to send every `intervalMs`. The first request also does this. Call it if the series of an earlier
   * process must be sent before the first request.
   */
  async open(): Promise<void> {
    this.#opened ??= this.#journal?.open() ?? Promise.resolve();
    try {
      await this.#opened;
    } catch (error) {
      // The next request tries again.
      this.#opened = undefined;
      throw error;
    }
    if (this.#intervalMs > 0 && this.#stopTimer === undefined && !this.#closing.hasBegun) {
      this.#stopTimer = new AbortController();
      void this.#flushRegularly(this.#stopTimer.signal);
    }
  }

  /**
   * Sends the present value of each series, and forgets senders that sent nothing for `forgetAfterMs`.
   *
   * Resolves when the values are delivered, given up, or replaced by those of a later flush. Rejects if the store fails: nothing is
   * sent then.
   */
  async flush(): Promise<DeliveryReport> {
    await this.open();
    return await this.#flush();
  }

  /**
   * Accepts nothing more, sends the last values, waits at most `closeTimeoutMs` for their delivery, and closes the store. Another
   * call returns the same report; its `timeoutMs` and its `signal` can end the wait earlier.
   *
   * @returns the report of everything that was sent; never rejects
   */
  close(options: CloseOptions = {}): Promise<DeliveryReport> {
    return this.#closing.begin(options, (signal) => this.#close({ ...options, signal }));
  }

  /** What the aggregator has done so far. */
  get stats(): AggregatorStats {
    const { counts, senders, series, bytes } = this.#state;
    return { ...counts, senders, series, bytes, busy: this.#busy, sending: this.#stats.snapshot() };
  }

  /** Closes the aggregator, for `await using`. The report is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(write: ReceivedWrite): Promise<PartialWrite | void> {
    this.#checkOpen();
    await this.open();
    await this.#onWrite?.(write);
    // The last values were perhaps collected in the meantime.
    this.#checkOpen();
    let result: ReturnType<AggregatorState["add"]>;
    try {
      result = this.#state.add(write);
    } catch (error) {
      if (error instanceof BusyError) {
        this.#busy++;
        this.#warnings.once(`Requests are answered 429: ${error.message}.`);
      }
      throw error;
    }
    // This is needed even if nothing has changed: the write that this one repeats may not be stored yet.
    await this.#journal?.commit();
    const { refused, reason } = result;
    if (reason === undefined) return;
    const all = countValues(write.timeSeries);
    const written = {
      samples: all.samples - refused.samples,
      histograms: all.histograms - refused.histograms,
      exemplars: 0,
    };
    const count = refused.samples + refused.histograms;
    const rest = count > 1 ? ` (${count} samples were refused; the others were accepted)` : "";
    return { written, reason: `${reason}${rest}` };
  }

  #checkOpen(): void {
    if (!this.#closing.hasBegun) return;
    throw new BusyError("Cannot accept the request: the aggregator is closed", { retryAfterMs: 1000 });
  }

  async #flush(): Promise<DeliveryReport> {
    const { sent } = await this.#begin();
    const report = await sent;
    if (report.delivered > 0) await this.#metadataSender.flush(this.#state.metadata, this.#queue.signal);
    return report;
  }

  /** Puts the present values into the queue. `sent` resolves when they have left it. */
  async #begin(): Promise<{ readonly sent: Promise<DeliveryReport> }> {
    this.#state.forget();
    const { zeros, markers, values, flush } = this.#state.collect();
    try {
      // The sums are stored before they are sent. Otherwise, they would fall after a restart.
      await this.#journal?.commit();
    } catch (error) {
      flush.cancel();
      throw error;
    }
    const reports = { zeros: new ReportBuilder(), others: new ReportBuilder() };
    const resumed = this.#queue.resume();
    void resumed.then((report) => this.#report.add(report));
    const left = Promise.all([
      this.#sendZeros(zeros, { flush, reports }),
      this.#sendMarkers(markers, { flush, reports }),
      this.#push(values, { isCumulative: true }).then((report) => reports.others.add(report)),
    ]);
    const sent = left.then(async () => {
      const others = reports.others.report();
      flush.settled(others);
      return mergeReports([await resumed, reports.zeros.report(), others]);
    });
    this.#pending.add(sent);
    void sent.then(() => this.#pending.delete(sent));
    return { sent };
  }

  /** Sends zeros, and then the sums that begin with them. */
  async #sendZeros(zeros: Batch, { flush, reports, isLate = false }: FlushContext): Promise<void> {
    if (zeros.length === 0) return;
    // They have a shard of their own: a zero that fails for minutes must not stop the values.
    const report = await this.#queue.push(this.#shards, zeros, { isLate });
    this.#report.add(report);
    reports.zeros.add(report);
    const missing = missingOf(report);
    if (missing === zeros.length) return flush.undo(zeros, { isRefused: report.rejected === missing });
    // A series that is refused among others stays refused, so that its zero need not come first.
    if (missing > report.rejected) {
      // The report does not say which are missing. A zero that arrives twice changes nothing.
      const halves = halvesOf(zeros).map((half) => this.#sendZeros(half, { flush, reports, isLate: true }));
      return void await Promise.all(halves);
    }
    const sums = flush.begin(zeros);
    try {
      // After a restart, the zeros must not be sent again, because they are older than the sums.
      await this.#journal?.commit();
    } catch (error) {
      return this.#warnStore(error);
    }
    reports.others.add(await this.#push(sums, { isCumulative: true, isLate: true }));
  }

  async #sendMarkers(markers: Batch, { flush, reports }: FlushContext): Promise<void> {
    const report = await this.#push(markers, {});
    reports.others.add(report);
    if (missingOf(report) > report.rejected) flush.undo(markers);
  }

  /** Puts a batch into the queue. It must not be held here until it has left it, because the queue may replace it. */
  #push(batch: Batch, options: PushOptions): Promise<DeliveryReport> {
    const parts = batchesByShard(batch, this.#shards).map(([shard, part]) => this.#queue.push(shard, part, options));
    return Promise.all(parts).then((reports) => {
      const report = mergeReports(reports);
      this.#report.add(report);
      return report;
    });
  }

  async #flushRegularly(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#sleep(this.#intervalMs, signal);
      if (signal.aborted) return;
      // A flush may wait for the endpoint. The next one does not wait for it.
      void this.#flush().catch((error) => this.#warnStore(error));
    }
  }

  #warnStore(error: unknown): void {
    const cause = error instanceof Error && error.cause !== undefined ? ` (${reasonOf(error.cause)})` : "";
    this.#warnings.once(`${reasonOf(error)}${cause}. Nothing is sent until it can be written.`);
  }

  async #close({ timeoutMs = this.#closeTimeoutMs, signal }: CloseOptions): Promise<DeliveryReport> {
    this.#stopTimer?.abort();
    let last: Promise<unknown> | undefined;
    try {
      await this.#opened;
      if (this.#opened !== undefined) last = (await this.#begin()).sent;
    } catch (error) {
      this.#warnStore(error);
    }
    const settled = async (): Promise<void> => {
      while (this.#pending.size > 0) await Promise.all(this.#pending);
    };
    await this.#queue.close({ timeoutMs, signal, finish: settled });
    await last;
    await this.#journal?.close().catch((error) => this.#warnStore(error));
    return this.#report.report();
  }
}

/** The flush that a batch belongs to. */
interface FlushContext {
  readonly flush: Flush;
  readonly reports: Readonly<Record<"zeros" | "others", ReportBuilder>>;
  /** Whether the batch is also accepted while the queue is being closed. @default false */
  readonly isLate?: boolean;
}

/** Divides a batch, so that all samples of a series are in the same part. Empty parts are left out. */
function batchesByShard(batch: Batch, shards: number): (readonly [shard: number, part: Batch])[] {
  if (batch.length === 0) return [];
  if (shards === 1) return [[0, batch]];
  const parts = new Map<number, Batch>();
  batch.series.forEach(({ hash }, index) => {
    const shard = hash % shards;
    const part = parts.get(shard) ?? new Batch();
    parts.set(shard, part);
    part.copy(batch, index);
  });
  return [...parts];
}

function halvesOf(batch: Batch): readonly Batch[] {
  const halves = [new Batch(), new Batch()] as const;
  batch.series.forEach((_, index) => halves[index < batch.length / 2 ? 0 : 1].copy(batch, index));
  return halves;
}

/** Returns how many samples are surely not stored. */
function missingOf({ samples, delivered, unknown }: DeliveryReport): number {
  return samples - delivered - unknown;
}

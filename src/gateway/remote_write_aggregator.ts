import { BusyError, reasonOf } from "../model/errors.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { completeClientOptions } from "../client/client_options.ts";
import { Batch } from "../protocol/batch.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import type { PartialWrite, ReceivedWrite } from "../receive/receiver_options.ts";
import { countValues } from "../receive/responses.ts";
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
import { type AggregatorCounts, AggregatorState } from "./aggregator_state.ts";
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
  readonly #now: () => number;
  readonly #sleep: Sleep;
  readonly #intervalMs: number;
  readonly #closeTimeoutMs: number;
  readonly #shards: number;
  readonly #pending = new Set<Promise<unknown>>();
  #busy = 0;
  #opened: Promise<void> | undefined;
  #stopTimer: AbortController | undefined;
  #closing: Promise<DeliveryReport> | undefined;

  /** Creates an aggregator; sends and reads nothing. @throws {ConfigurationError} if an option is unknown or has a wrong value */
  constructor(options: AggregatorOptions = {}) {
    const { receiver, store, ...resolved } = completeClientOptions(checkAggregatorOptions(options));
    this.#warnings = new Warnings(resolved.onWarning);
    this.#state = new AggregatorState({ ...resolved, isStored: store !== undefined, warnings: this.#warnings });
    this.#journal = store && new Journal(store, this.#state);
    this.#now = resolved.now;
    this.#sleep = resolved.sleep;
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
    if (this.#intervalMs > 0 && this.#stopTimer === undefined && this.#closing === undefined) {
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
   * Accepts nothing more, sends the last values, waits at most `closeTimeoutMs` for their delivery, and closes the store.
   *
   * @returns the report of everything that was sent; never rejects
   */
  close(options: CloseOptions = {}): Promise<DeliveryReport> {
    return this.#closing ??= this.#close(options);
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
      result = this.#state.add(write, this.#now());
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
    if (this.#closing === undefined) return;
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
    const now = this.#now();
    this.#state.forget(now);
    const { edges, values, settled } = this.#state.collect(now);
    // The sums are stored before they are sent. Otherwise, they would fall after a restart.
    await this.#journal?.commit();
    const deferred = this.#queue.resume();
    void deferred.then((report) => this.#report.add(report));
    const zeros = Promise.all(this.#push(edges, { isCumulative: false })).then(async (reports) => {
      const report = mergeReports(reports);
      const isOver = report.delivered + report.unknown + report.rejected > 0;
      // After a restart, the zeros must not be sent again, because they are older than the sums.
      if (settled(isOver)) await this.#journal?.commit().catch((error) => this.#warnStore(error));
      return { report, isOver };
    });
    const after = edges.length === 0 ? undefined : zeros.then(({ isOver }) => {
      if (!isOver) throw new Error("The zeros were not delivered, so they come again with the next sums");
    });
    // The queue waits for this promise only when the sums are the next to be sent.
    after?.catch(() => {});
    const sums = this.#push(values, { isCumulative: true, after });
    const sent = async (): Promise<DeliveryReport> =>
      mergeReports(await Promise.all([deferred, zeros.then(({ report }) => report), ...sums]));
    return { sent: sent() };
  }

  #push(batch: Batch, options: PushOptions): Promise<DeliveryReport>[] {
    return batchesByShard(batch, this.#shards).flatMap((part, shard) => {
      const report = this.#queue.push(shard, part, options);
      this.#pending.add(report);
      void report.then((each) => {
        this.#report.add(each);
        this.#pending.delete(report);
      });
      return [report];
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

/** Divides a batch, so that all samples of a series are in the same one. Empty ones are left out. */
function batchesByShard(batch: Batch, shards: number): Batch[] {
  if (batch.length === 0) return [];
  if (shards === 1) return [batch];
  const parts: Batch[] = [];
  batch.series.forEach(({ hash }, index) => (parts[hash % shards] ??= new Batch()).copy(batch, index));
  return parts;
}

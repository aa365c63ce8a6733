/**
 * The output: takes k6 samples, aggregates them, and sends what comes of them.
 *
 * @module
 */
import { type RefusalReason, type Series, SeriesStore, type SeriesStoreOptions } from "../series/series_store.ts";
import { RunTotals } from "./run_totals.ts";
import { CheckpointedWindows } from "./checkpointed_windows.ts";
import { EventWindows } from "./event_windows.ts";
import { FutureLimit } from "./future_limit.ts";
import type { RemoteWriteOutputOptions } from "./output_options.ts";
import { type ResolvedOptions, resolveOptions } from "./resolve_options.ts";
import type { RunMetrics } from "../run_metrics/run_metrics.ts";
import { RejectedSamples } from "./rejected_samples.ts";
import type { Sample, SampleConsumer } from "../sample.ts";
import { SenderMetrics } from "./sender_metrics.ts";
import { createDelivery, createMetadataSender } from "../../send/create_delivery.ts";
import type { DeliveryReport } from "../../model/delivery_report.ts";
import type { MetadataSender } from "../../send/metadata_sender.ts";
import { Outage } from "../../send/outage.ts";
import { mergeReports } from "../../send/report_builder.ts";
import { RequestBudget } from "../../send/request_budget.ts";
import { untilAborted } from "../../send/sleep.ts";
import { SendStats, type SendStatsSnapshot } from "../../send/stats.ts";
import { Warnings } from "../../send/warnings.ts";
import { type CloseOptions, type PushOptions, WriteQueue } from "../../send/write_queue.ts";
import type { Metadata } from "../../model/time_series.ts";
import { Batch } from "../../protocol/batch.ts";
import { Collector } from "../series/collector.ts";
import { SeriesFactory } from "../series/series_factory.ts";
import type { EncodedSeries } from "../../protocol/encoded_series.ts";
import { reasonOf } from "../../model/errors.ts";

/** What an output has done so far. */
export interface OutputStats extends SendStatsSnapshot {
  /** Samples that `add` took. */
  readonly samplesIn: number;
  /** Samples that `add` refused, by reason. */
  readonly samplesRefused: Readonly<Record<RefusalReason, number>>;
  /** k6 series, each of which becomes one time series or several. */
  readonly series: number;
}

/** How to end. */
export interface OutputCloseOptions extends CloseOptions {
  /**
   * Whether what came in since the last flush is sent, and staleness markers if asked. Not so where a run ends in the midst of
   * a window, which a later run is to send as a whole.
   * @default true
   */
  readonly flush?: boolean | undefined;
}

/** Batches by shard. */
type Round = readonly (Batch | undefined)[];

/**
 * Sends k6 samples to a remote-write endpoint.
 *
 * Nothing is sent until `flush()`, `close()`, or the timer that `start()` sets.
 *
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const reqs = { name: "http_reqs", type: "counter", contains: "default" } as const;
 * output.add({ metric: reqs, time: Date.now(), value: 1, tags: { method: "GET" } });
 * const { delivered } = await output.close();
 * ```
 */
export class RemoteWriteOutput implements SampleConsumer, AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #store: SeriesStore<EncodedSeries>;
  /** Of the own metrics. */
  readonly #ownStore: SeriesStore<EncodedSeries>;
  readonly #collector: Collector;
  readonly #queue: WriteQueue;
  readonly #metadata: MetadataSender;
  readonly #families: ReadonlyMap<string, Metadata>;
  readonly #sendStats = new SendStats();
  readonly #refusals: RejectedSamples;
  readonly #timer = new AbortController();
  /** Thresholds and run information, if the options ask for them. */
  readonly #runMetrics: readonly RunMetrics[];
  readonly #selfMetrics: SenderMetrics | undefined;
  readonly #windows: EventWindows | undefined;
  readonly #checkpointed: CheckpointedWindows | undefined;
  #samplesIn = 0;
  readonly #account = new RunTotals();
  readonly #future: FutureLimit;
  #started = false;
  #closing: Promise<DeliveryReport> | undefined;

  /** Sets everything up; sends nothing yet. @throws ConfigurationError where an option makes no sense */
  constructor(options: RemoteWriteOutputOptions = {}) {
    const resolved = resolveOptions(options);
    this.#options = resolved;
    const warnings = new Warnings(resolved.onWarning);
    const onWarning = (message: string): void => warnings.once(message);
    const create = [resolved.thresholds, resolved.runInfo].filter((factory) => factory !== undefined);
    this.#runMetrics = create.map((factory) => factory({ onWarning }));
    const runMetrics = new Set(this.#runMetrics.flatMap(({ metrics }) => metrics));
    const factory = new SeriesFactory({ ...resolved, runMetrics });
    this.#families = factory.metadata;
    const { selfMetrics, windows, flushPeriodMs, checkpoint } = resolved;
    const storing: SeriesStoreOptions<EncodedSeries> = {
      open: (metric, tags) => factory.open(metric, tags),
      maxSeries: resolved.maxSeries,
      onRefused: (reason, sample) => this.#refusals.add(reason, sample),
    };
    this.#store = new SeriesStore(storing);
    this.#refusals = new RejectedSamples({ ...resolved, series: () => this.#store.series() });
    this.#future = new FutureLimit(resolved.now);
    this.#ownStore = new SeriesStore({ ...storing, maxSeries: Infinity });
    this.#collector = new Collector(resolved.shards, {
      zeroSample: resolved.zeroSample,
      onWarning,
      onFailed: (lost, error) => this.#lose(lost, error, warnings),
    });
    if (selfMetrics) this.#selfMetrics = new SenderMetrics(resolved);
    if (windows === "event") this.#windows = new EventWindows(flushPeriodMs);
    if (checkpoint !== undefined) this.#checkpointed = new CheckpointedWindows(checkpoint);
    const budget = new RequestBudget(resolved.maxRequestsPerFlush);
    // Who waits for room must not wait for each batch anew; where nobody does, the bounds of the queue are enough.
    const sharedDeadline = resolved.overflow === "block";
    const outage = new Outage({ ...resolved, sharedDeadline });
    const sending = { ...resolved, budget, outage, stats: this.#sendStats, warnings };
    const way = createDelivery(sending);
    this.#metadata = createMetadataSender(sending, way);
    this.#queue = new WriteQueue({ ...sending, delivery: way.delivery });
  }

  /**
   * Takes samples; never waits. Samples that cannot be sent (not finite, no time, more than 10 minutes ahead of the clock where
   * `windows` is `wall`) are refused, counted and warned of once.
   *
   * @throws Error after `close()`
   */
  add(samples: Sample | readonly Sample[]): void {
    if (this.#closing !== undefined) throw new Error("Cannot add samples: the output is closed");
    if ("metric" in samples) this.#add(samples);
    else for (const sample of samples) this.#add(sample);
  }

  /** Resolves when the queue has room again; to be awaited between batches where `overflow` is `block`. */
  ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#queue.ready(options.signal);
  }

  /**
   * Sends what came in since the last flush, and before it what that one kept. Resolves when each sample is delivered, given up,
   * or kept for the next flush as the requests are used up (`deferred`), and says which.
   *
   * @param options `signal` ends the waiting, not the sending
   * @throws only the signal's reason
   */
  flush(options: { readonly signal?: AbortSignal } = {}): Promise<DeliveryReport> {
    const flushed = this.#flush();
    return options.signal === undefined ? flushed : untilAborted(flushed, options.signal);
  }

  /** Flushes every `flushPeriodMs` from now on, until `close()`. */
  start(): void {
    if (this.#started || this.#closing !== undefined) return;
    this.#started = true;
    void this.#run();
  }

  /**
   * Sends what is left, then staleness markers if asked, and waits for the end of it, up to `closeTimeoutMs`.
   *
   * @returns the account of the whole run; never rejects
   */
  close(options: OutputCloseOptions = {}): Promise<DeliveryReport> {
    return this.#closing ??= this.#close(options);
  }

  /** What was done so far. */
  get stats(): OutputStats {
    return {
      ...this.#sendStats.snapshot(),
      samplesIn: this.#samplesIn,
      samplesRefused: this.#refusals.counts,
      series: this.#store.size,
    };
  }

  /** Closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #flush(): Promise<DeliveryReport> {
    // First, as it grants this flush its requests.
    const kept = this.#queue.resume().then((report) => this.#account.count(report));
    this.#addOwn(this.#runMetrics.flatMap((metrics) => metrics.take()));
    const pending = this.#store.takePending().concat(this.#ownStore.takePending());
    const { heartbeatMs, now } = this.#options;
    const batches = this.#withSelfMetrics(
      this.#collector.collect(pending, heartbeatMs > 0 ? now() : undefined),
      pending,
    );
    const zeros = this.#collector.takeZeros();
    const lost = this.#account.takeLost();
    const report = mergeReports([lost, ...await Promise.all([kept, this.#sendWindow([zeros, batches])])]);
    // After the samples: they are what matters, and show which version the receiver knows.
    if (report.delivered > 0) await this.#metadata.flush(this.#families, this.#queue.signal);
    return report;
  }

  #add(sample: Sample): void {
    this.#samplesIn++;
    if (this.#windows === undefined) {
      if (this.#future.has(sample.time)) return this.#refusals.add("futureTime", sample);
    } else if (this.#windows.endsBefore(sample.time)) {
      void this.flush();
    }
    for (const metrics of this.#runMetrics) metrics.add(sample);
    this.#store.add(sample);
  }

  /** Takes samples that nobody measured. */
  #addOwn(samples: readonly Sample[]): void {
    for (const sample of samples) this.#ownStore.add(sample);
  }

  /** Sends one round of batches after the other; one has at most one batch of a shard. */
  async #sendWindow(rounds: readonly Round[]): Promise<DeliveryReport> {
    if (this.#checkpointed === undefined) return await this.#enqueue(rounds);
    if (rounds.flat().every((batch) => batch === undefined)) return mergeReports([]);
    return await this.#checkpointed.send((options) => this.#enqueue(rounds, options));
  }

  async #enqueue(rounds: readonly Round[], options?: PushOptions): Promise<DeliveryReport> {
    const reports = rounds.flatMap((round) =>
      round.flatMap((batch, shard) => {
        if (batch === undefined) return [];
        this.#account.emit(batch.length);
        return [this.#queue.push(shard, batch, options).then((report) => this.#account.count(report))];
      })
    );
    return mergeReports(await Promise.all(reports));
  }

  #withSelfMetrics(batches: Round, pending: readonly Series<EncodedSeries>[]): Round {
    if (this.#selfMetrics === undefined) return batches;
    // In a replay of an old run, the present would make the receiver refuse what follows as too old.
    const newest = (latest: number, series: Series<EncodedSeries>): number => Math.max(latest, series.latestTime);
    const time = this.#windows === undefined ? this.#options.now() : pending.reduce(newest, -Infinity);
    if (time === -Infinity) return batches;
    const [first = new Batch(), ...rest] = batches;
    this.#selfMetrics.addTo(first, { stats: this.#sendStats.snapshot(), time });
    return [first, ...rest];
  }

  async #run(): Promise<void> {
    const { sleep, flushPeriodMs, heartbeatMs } = this.#options;
    const { signal } = this.#timer;
    while (!signal.aborted) {
      await sleep(flushPeriodMs, signal);
      if (signal.aborted) return;
      // Not awaited: a slow endpoint must not stall the next window.
      void this.flush();
      if (heartbeatMs > 0) this.#beat(this.#options.now(), heartbeatMs);
    }
  }

  /** Prometheus forgets a series after five minutes without a sample, and with it the total. */
  #beat(now: number, heartbeatMs: number): void {
    const idle: Series<EncodedSeries>[] = [];
    for (const store of [this.#store, this.#ownStore]) {
      for (const series of store.series()) {
        const idleMs = now - (series.sentAtMs ?? now);
        // After the clock was set back, it is not known for how long the series was idle.
        if (idleMs >= heartbeatMs || idleMs < 0) idle.push(series);
      }
    }
    void this.#enqueue([this.#collector.collectAgain(idle, now)]);
  }

  async #close(options: OutputCloseOptions): Promise<DeliveryReport> {
    const { timeoutMs = this.#options.closeTimeoutMs, signal, flush = true } = options;
    this.#timer.abort();
    if (flush) this.#addOwn(this.#runMetrics.flatMap((metrics) => metrics.verdicts()));
    const last = flush ? [this.flush()] : [];
    if (flush && this.#options.staleMarkers) {
      // Not of the own metrics: who looks after the run is to find the verdicts.
      last.push(this.#sendWindow([this.#collector.collectStale(this.#store.series())]));
    }
    const finish = async (): Promise<void> => {
      await Promise.all(last);
      // The callback that records the windows may never resolve.
      await untilAborted(this.#checkpointed?.settle(), this.#queue.signal).catch(() => {});
      await this.#metadata.settled();
    };
    this.#account.count(await this.#queue.close({ timeoutMs, signal, finish }));
    return this.#account.close();
  }

  #lose(samples: number, error: unknown, warnings: Warnings): void {
    const reason = `a sink of the mapping "${this.#options.mapping.name}" failed: ${reasonOf(error)}`;
    this.#account.lose(samples, reason);
    this.#sendStats.dropped("sink_failed", samples);
    warnings.once(`Samples lost: ${samples} (${reason}). Further ones of this kind are only counted.`);
  }
}

/**
 * The output: takes k6 samples, aggregates them, and sends what comes of them.
 *
 * @module
 */
import { busiestLabel } from "./aggregate/busiest_label.ts";
import { type RefusalReason, type Series, SeriesStore } from "./aggregate/series_store.ts";
import { CheckpointedWindows } from "./checkpointed_windows.ts";
import type { Metric } from "./metric.ts";
import type { RemoteWriteOutputOptions } from "./options.ts";
import { type ResolvedOptions, resolveOptions } from "./options/resolve_options.ts";
import { RunInfo, runInfoMetric } from "./run_info.ts";
import type { Sample, SampleConsumer } from "./sample.ts";
import { SelfMetrics } from "./self_metrics.ts";
import { abortAfter } from "./send/abort_after.ts";
import { createDelivery } from "./send/create_delivery.ts";
import type { DeliveryReport } from "./delivery_report.ts";
import type { MetadataSender } from "./send/metadata_sender.ts";
import { mergeReports, Tally } from "./send/report.ts";
import { RequestBudget } from "./send/request_budget.ts";
import { SendStats, type SendStatsSnapshot } from "./send/stats.ts";
import { Warnings } from "./send/warnings.ts";
import { type CloseOptions, type PushOptions, WriteQueue } from "./send/write_queue.ts";
import { thresholdMetric, thresholdPassedMetric, Thresholds } from "./thresholds/thresholds.ts";
import type { Metadata } from "./time_series.ts";
import { Batch } from "./wire/batch.ts";
import { Collector } from "./wire/collector.ts";
import { SeriesFactory } from "./wire/series_factory.ts";
import type { WireSeries } from "./wire/wire_series.ts";

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
  readonly flush?: boolean;
}

/** Batches by shard. */
type Round = readonly (Batch | undefined)[];

/** Samples after which a window of recorded samples ends early: bounds the memory of the raw mapping. */
const maxWindowSamples = 100_000;

/** Metrics that are not k6's. */
const ownMetrics: ReadonlySet<Metric> = new Set([thresholdMetric, thresholdPassedMetric, runInfoMetric]);

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
  readonly #store: SeriesStore<WireSeries>;
  readonly #collector: Collector;
  readonly #queue: WriteQueue;
  readonly #metadata: MetadataSender;
  readonly #families: ReadonlyMap<string, Metadata>;
  readonly #sendStats = new SendStats();
  readonly #refused: Record<RefusalReason, number> = { invalidValue: 0, invalidTime: 0, maxSeries: 0 };
  readonly #timer = new AbortController();
  /** Fires when nothing is waited for any more. */
  readonly #end = new AbortController();
  readonly #thresholds: Thresholds | undefined;
  readonly #runInfo: RunInfo | undefined;
  readonly #selfMetrics: SelfMetrics | undefined;
  readonly #windows: CheckpointedWindows | undefined;
  #samplesIn = 0;
  readonly #account = new Tally();
  #windowEnd = -Infinity;
  #windowSamples = 0;
  #started = false;
  #closing: Promise<DeliveryReport> | undefined;

  /** Sets everything up; sends nothing yet. @throws ConfigurationError where an option makes no sense */
  constructor(options: RemoteWriteOutputOptions = {}) {
    const resolved = resolveOptions(options);
    this.#options = resolved;
    const factory = new SeriesFactory({ ...resolved, ownMetrics });
    this.#families = factory.families;
    this.#store = new SeriesStore({
      open: (metric, tags) => factory.open(metric, tags),
      maxSeries: resolved.maxSeries,
      onRefused: (reason, sample) => this.#refuse(reason, sample),
    });
    this.#collector = new Collector(resolved.shards, resolved);
    const { thresholds: groups, runInfo, selfMetrics, checkpoint, onWarning } = resolved;
    const warnings = new Warnings(onWarning);
    if (groups !== undefined) {
      this.#thresholds = new Thresholds({ groups, onWarning: (message) => warnings.once(message) });
    }
    if (runInfo !== undefined) this.#runInfo = new RunInfo(runInfo);
    if (selfMetrics) this.#selfMetrics = new SelfMetrics(resolved);
    if (checkpoint !== undefined) this.#windows = new CheckpointedWindows(checkpoint);
    const budget = new RequestBudget(resolved.maxRequestsPerFlush);
    // Who waits for room must not wait for each batch anew; where nobody does, the bounds of the queue are enough.
    const sharedDeadline = resolved.overflow === "block";
    const sending = { ...resolved, budget, sharedDeadline, stats: this.#sendStats, warnings };
    const { delivery, metadata } = createDelivery(sending);
    this.#metadata = metadata;
    this.#queue = new WriteQueue({ ...sending, delivery });
  }

  /**
   * Takes samples; never waits. Samples that cannot be sent (not finite, no time) are refused, counted and warned of once.
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
   * or kept for the next flush as the requests are used up (`unsent`), and says which; never rejects.
   */
  async flush(): Promise<DeliveryReport> {
    // First, as it grants this flush its requests.
    const kept = this.#queue.resume().then((report) => this.#count(report));
    this.#addOwn([...this.#thresholds?.takeBounds() ?? [], ...this.#runInfo?.take() ?? []]);
    const pending = this.#store.takePending();
    const batches = this.#withSelfMetrics(this.#collector.collect(pending), pending);
    const zeros = this.#collector.takeZeros();
    const report = mergeReports(await Promise.all([kept, this.#sendWindow([zeros, batches])]));
    // After the samples: they are what matters, and show which version the receiver knows.
    if (report.delivered > 0) await this.#metadata.flush(this.#families, this.#end.signal);
    return report;
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
      samplesRefused: { ...this.#refused },
      series: this.#store.size,
    };
  }

  /** Closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #add(sample: Sample): void {
    if (this.#options.windows === "event") this.#turnWindow(sample.time);
    this.#samplesIn++;
    this.#thresholds?.add(sample);
    this.#runInfo?.add(sample);
    this.#store.add(sample);
  }

  /** Takes samples that nobody measured. */
  #addOwn(samples: readonly Sample[]): void {
    for (const sample of samples) this.#store.add(sample);
  }

  /** Windows of recorded samples begin at multiples of their length, so that a replay gives the same windows each time. */
  #turnWindow(time: number): void {
    this.#windowSamples++;
    if (time < this.#windowEnd && this.#windowSamples <= maxWindowSamples) return;
    void this.flush();
    const { flushPeriodMs } = this.#options;
    const end = Math.floor(time / flushPeriodMs) * flushPeriodMs + flushPeriodMs;
    if (end > this.#windowEnd) this.#windowEnd = end;
    this.#windowSamples = 1;
  }

  /** Sends one round of batches after the other; one has at most one batch of a shard. */
  async #sendWindow(rounds: readonly Round[]): Promise<DeliveryReport> {
    if (this.#windows === undefined) return await this.#enqueue(rounds);
    if (rounds.flat().every((batch) => batch === undefined)) return mergeReports([]);
    return await this.#windows.send((options) => this.#enqueue(rounds, options));
  }

  async #enqueue(rounds: readonly Round[], options?: PushOptions): Promise<DeliveryReport> {
    const reports = rounds.flatMap((round) =>
      round.flatMap((batch, shard) => {
        if (batch === undefined) return [];
        return [this.#queue.push(shard, batch, options).then((report) => this.#count(report))];
      })
    );
    return mergeReports(await Promise.all(reports));
  }

  #withSelfMetrics(batches: Round, pending: readonly Series<WireSeries>[]): Round {
    if (this.#selfMetrics === undefined) return batches;
    const { windows, now } = this.#options;
    // In a replay of an old run, the present would make the receiver refuse what follows as too old.
    const newest = (latest: number, series: Series<WireSeries>): number => Math.max(latest, series.latestTime);
    const time = windows === "wall" ? now() : pending.reduce(newest, -Infinity);
    if (time === -Infinity) return batches;
    const [first = new Batch(), ...rest] = batches;
    this.#selfMetrics.addTo(first, { stats: this.#sendStats.snapshot(), time });
    return [first, ...rest];
  }

  /** What is unsent now may be sent by a later flush: only the end can tell. */
  #count(report: DeliveryReport): DeliveryReport {
    this.#account.add({ ...report, unsent: 0 });
    return report;
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
    const idle: Series<WireSeries>[] = [];
    for (const series of this.#store.series()) {
      if (series.lastStamp + heartbeatMs <= now && series.lastStamp !== -Infinity) idle.push(series);
    }
    void this.#enqueue([this.#collector.collect(idle, now)]);
  }

  async #close(options: OutputCloseOptions): Promise<DeliveryReport> {
    const { timeoutMs = this.#options.closeTimeoutMs, signal, flush = true } = options;
    this.#timer.abort();
    if (flush) this.#addOwn(this.#thresholds?.verdicts() ?? []);
    const last = flush ? [this.flush()] : [];
    if (flush && this.#options.staleMarkers) {
      last.push(this.#sendWindow([this.#collector.collectStale(this.#store.series())]));
    }
    const clear = abortAfter(timeoutMs, this.#end, { sleep: this.#options.sleep, signal });
    const { unsent } = await this.#queue.close({ timeoutMs: Infinity, signal: this.#end.signal });
    await Promise.all(last);
    await this.#windows?.settle();
    await this.#metadata.settled();
    clear();
    this.#account.count("unsent", unsent);
    return this.#account.report();
  }

  #refuse(reason: RefusalReason, { metric, value, time }: Sample): void {
    this.#refused[reason]++;
    if (this.#refused[reason] > 1) return;
    const what = reason === "invalidValue"
      ? `its value is ${value}, expected a finite number`
      : reason === "invalidTime"
      ? `its time is ${time}, expected milliseconds since 1970`
      : `there are ${this.#options.maxSeries} series already (maxSeries)${this.#describeBusiestLabel()}`;
    this.#options.onWarning(`A sample of ${metric.name} is refused: ${what}. Further ones are only counted.`);
  }

  #describeBusiestLabel(): string {
    const busiest = busiestLabel(this.#store.series());
    if (busiest === undefined) return "";
    const { name, values, series } = busiest;
    return `; the label "${name}" has the most values, ${values} in ${series} series`;
  }
}

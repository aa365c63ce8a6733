/**
 * The output: takes k6 samples, aggregates them into time series, and sends the series.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { reasonOf } from "../../model/errors.ts";
import type { Metadata } from "../../model/time_series.ts";
import { Batch } from "../../protocol/batch.ts";
import { timeSeriesOf } from "../../protocol/batch_time_series.ts";
import { type EncodedSeries, isSameSeries } from "../../protocol/encoded_series.ts";
import { Closing } from "../../send/closing.ts";
import { createSharedCodecs } from "../../send/create_delivery.ts";
import { mergeReports } from "../../send/report_builder.ts";
import { RequestBudget } from "../../send/request_budget.ts";
import { abortAfter, untilAborted } from "../../send/sleep.ts";
import type { SendStatsSnapshot } from "../../send/stats.ts";
import { Warnings } from "../../send/warnings.ts";
import type { PushOptions } from "../../send/write_queue.ts";
import type { RunMetrics } from "../run_metrics/run_metrics.ts";
import type { Sample, SampleConsumer, SampleInput, Tags } from "../sample.ts";
import { Collector } from "../series/collector.ts";
import { MetadataLabels } from "../series/metadata_labels.ts";
import { SeriesFactory } from "../series/series_factory.ts";
import { type RefusalReason, type Series, SeriesStore, type SeriesStoreOptions } from "../series/series_store.ts";
import { changesLabels, Destination, sumStats } from "./destination.ts";
import { CheckpointedWindows } from "./checkpointed_windows.ts";
import { EventWindows } from "./event_windows.ts";
import { FutureLimit } from "./future_limit.ts";
import type { RemoteWriteOutputOptions } from "./output_options.ts";
import { MemoryEstimate } from "./memory_estimate.ts";
import { RejectedSamples } from "./rejected_samples.ts";
import { type ResolvedOptions, resolveOptions } from "./resolve_options.ts";
import { SenderMetrics } from "./sender_metrics.ts";
import { TimeJumps } from "./time_jumps.ts";

/** The statistics of an output so far. With several endpoints, its numbers about sending are the sums. */
export interface OutputStats extends SendStatsSnapshot {
  /** The statistics of each endpoint; undefined without the option `endpoints`. */
  readonly endpoints?: readonly (SendStatsSnapshot & { readonly name: string; readonly lagMs: number })[] | undefined;
  /** The age of the oldest window that waits or is being sent, in milliseconds; 0 if there is none. */
  readonly lagMs: number;
  /** The samples that were passed to `add`. */
  readonly samplesIn: number;
  /** The samples that `add` rejected, by reason. */
  readonly samplesRefused: Readonly<Record<RefusalReason, number>>;
  /** The number of k6 series. Each becomes one or more time series. */
  readonly series: number;
  /** The number of time series that they become. */
  readonly timeSeries: number;
  /** The number of windows so far, also those that `checkpoint` says were sent. A flush that sends nothing makes no window. */
  readonly windows: number;
}

/** What happened to the samples of a run. */
export interface OutputReport extends DeliveryReport {
  /** The report of each endpoint; undefined without the option `endpoints`. With it, the other fields are the sums. */
  readonly endpoints?: readonly (DeliveryReport & { readonly name: string })[] | undefined;
}

/** How to close an output. */
export interface OutputCloseOptions {
  /** How long to wait for the samples that are left, in milliseconds. @default the option `closeTimeoutMs` */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait at once. The samples that are left are reported as `deferred`. @default none */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether to send the samples since the last flush, and staleness markers if `staleMarkers` is true. False is for a run that ends
   * within a window, if a later run will send the whole window.
   * @default true
   */
  readonly flush?: boolean | undefined;
  /**
   * Whether the run ended in the regular way. False is for a run that was cut off: neither what shows an end is sent (`k6_run_ended`,
   * staleness markers), nor what is only true of a whole run (`k6_threshold_passed`).
   * @default true
   */
  readonly ended?: boolean | undefined;
}

/** The mappings whose values are totals since the start of the run. The values of a caller's own mapping may not be. */
const cumulativeMappings: readonly string[] = ["prometheus", "legacy"];

/** How often a caller that waits for room looks whether an endpoint went down, in milliseconds. */
const recheckMs = 250;

const noTags: Tags = Object.freeze({});

function isTagged(sample: SampleInput): sample is Sample {
  return sample.tags !== undefined && sample.tags !== null;
}

/** At most one batch for each shard, by the shard's index. */
type Round = readonly (Batch | undefined)[];

/**
 * Sends k6 samples to a remote-write endpoint, or to several.
 *
 * It sends when `flush()` or `close()` is called, or at intervals after `start()`.
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
  /** The series of the run metrics: thresholds and run information. */
  readonly #runMetricsStore: SeriesStore<EncodedSeries>;
  readonly #collector: Collector;
  readonly #destinations: readonly Destination[];
  readonly #metadata: ReadonlyMap<string, Metadata>;
  readonly #rejected: RejectedSamples;
  /** Ends the interval timer. Created when it is needed, because workerd did not always allow it outside of requests. */
  #timer: AbortController | undefined;
  readonly #runMetrics: readonly RunMetrics[];
  /** The metrics of each destination. */
  readonly #senderMetrics: readonly SenderMetrics[];
  readonly #metadataLabels: MetadataLabels | undefined;
  readonly #windows: EventWindows | undefined;
  readonly #timeJumps: TimeJumps | undefined;
  readonly #checkpointed: CheckpointedWindows | undefined;
  #samplesIn = 0;
  #timeSeries = 0;
  #windowCount = 0;
  readonly #futureLimit: FutureLimit;
  #started = false;
  readonly #closing: Closing<OutputReport>;

  /** Creates an output, without sending anything. @throws ConfigurationError for an option that cannot be used */
  constructor(options: RemoteWriteOutputOptions = {}) {
    const resolved = resolveOptions(options);
    this.#options = resolved;
    this.#closing = new Closing(resolved.sleep);
    const warnings = new Warnings(resolved.onWarning);
    const onWarning = (message: string): void => warnings.once(message);
    const create = [resolved.thresholds, resolved.runInfo].filter((factory) => factory !== undefined);
    this.#runMetrics = create.map((factory) => factory({ onWarning }));
    const runMetrics = new Set(this.#runMetrics.flatMap(({ metrics }) => metrics));
    const factory = new SeriesFactory({ ...resolved, runMetrics });
    this.#metadata = factory.metadata;
    const { selfMetrics, windows, flushPeriodMs, checkpoint, metadataLabels } = resolved;
    if (metadataLabels.length > 0) this.#metadataLabels = new MetadataLabels(metadataLabels);
    const memory = new MemoryEstimate({ series: () => this.#store.series(), onWarning });
    const storing: SeriesStoreOptions<EncodedSeries> = {
      open: (metric, tags) => factory.open(metric, tags),
      isSame: isSameSeries,
      onCreated: (series) => {
        memory.add(series);
        this.#timeSeries += series.output.outputs.length;
      },
      maxSeries: resolved.maxSeries,
      onRefused: (reason, sample) => this.#rejected.add(reason, sample),
    };
    this.#store = new SeriesStore(storing);
    this.#rejected = new RejectedSamples({ ...resolved, series: () => this.#store.series() });
    this.#futureLimit = new FutureLimit(resolved.now);
    this.#runMetricsStore = new SeriesStore({ ...storing, onCreated: undefined, maxSeries: Infinity });
    this.#collector = new Collector(resolved.shards, {
      zeroSample: resolved.zeroSample,
      onWarning,
      onFailed: (lost, error) => this.#lose(lost, error, warnings),
    });
    if (windows === "event") this.#windows = new EventWindows(flushPeriodMs);
    if (windows === "event" && resolved.maxTimeJumpMs > 0) {
      this.#timeJumps = new TimeJumps({
        maxJumpMs: resolved.maxTimeJumpMs,
        now: resolved.now,
        accept: (sample) => this.#addToWindow(sample),
        refuse: (sample) => this.#rejected.add("timeJump", sample),
      });
    }
    if (checkpoint !== undefined) this.#checkpointed = new CheckpointedWindows(checkpoint);
    const { destinations, nameEscaping } = resolved;
    const isOneOfSeveral = destinations.length > 1;
    const sending = { output: resolved, budget: new RequestBudget(resolved.maxRequestsPerFlush), isOneOfSeveral };
    // They get the same bytes.
    const sharing = destinations.filter((each) => !changesLabels(each) && each.nameEscaping === nameEscaping);
    const shared = sharing.length > 1 ? createSharedCodecs(nameEscaping, sharing.length) : undefined;
    this.#destinations = destinations.map((endpoint) =>
      new Destination(endpoint, { ...sending, codecs: sharing.includes(endpoint) ? shared : undefined })
    );
    this.#senderMetrics = !selfMetrics ? [] : this.#destinations.map(({ name }) => {
      const { prefix, labels } = resolved;
      return new SenderMetrics({ prefix, labels: isOneOfSeveral ? { ...labels, endpoint: name } : labels });
    });
  }

  /**
   * Adds samples, without waiting. It rejects samples that cannot be sent, counts them, and warns once per reason: a value that is
   * not finite, an invalid time, an unknown metric type, a time more than 10 minutes ahead of the clock (unless `windows` is
   * `event`), one series too many, or a sample after `close()`.
   */
  add(samples: SampleInput | readonly SampleInput[]): void {
    if ("metric" in samples) this.#add(samples);
    else for (const sample of samples) this.#add(sample);
  }

  /**
   * Resolves when the queue has room, `signal` is aborted, or (without `start()`) everything in the queue waits for the next
   * `flush()`. If `overflow` is `block`, await it between calls of `add`.
   *
   * @returns false if nothing is sent any more: if `windows` is `event`, the output stops when the endpoint refuses all requests
   */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
    // With the interval timer, the next flush begins by itself.
    const waiting = { untilDeferred: !this.#started };
    const { sleep } = this.#options;
    for (;;) {
      const sending = this.#destinations.filter(({ isSending }) => isSending);
      // An endpoint that is down does not delay the others.
      const working = sending.filter(({ isDown }) => !isDown);
      const awaited = working.length > 0 ? working : sending;
      if (awaited.every(({ isFull }) => !isFull)) break;
      const round = new AbortController();
      // Another endpoint may go down in the meantime.
      const timeoutMs = sending.length > 1 ? recheckMs : Infinity;
      const clear = abortAfter(timeoutMs, round, { sleep, signal: options.signal });
      await Promise.all(awaited.map((each) => each.ready(round.signal, waiting)));
      clear();
      if (!round.signal.aborted || options.signal?.aborted === true) break;
    }
    return this.#destinations.some(({ isSending }) => isSending);
  }

  /**
   * Sends the deferred samples of the last flush, then the samples since then. It resolves when each sample is delivered, given up,
   * or deferred to the next flush (because of `maxRequestsPerFlush`, or because the endpoint refuses all requests for now); the
   * report counts each of these. Calls may overlap: the samples of each series stay in order.
   *
   * @param options `signal` ends the waiting, but not the sending
   * @throws only the signal's reason
   */
  flush(options: { readonly signal?: AbortSignal } = {}): Promise<DeliveryReport> {
    this.#timeJumps?.release();
    return this.#flushWindow(options);
  }

  #flushWindow(options: { readonly signal?: AbortSignal } = {}): Promise<DeliveryReport> {
    const flushed = this.#flush();
    // With the interval timer, all requests are of the same context, and none of them is cancelled.
    if (!this.#started) { for (const destination of this.#destinations) void destination.watch(flushed); }
    return options.signal === undefined ? flushed : untilAborted(flushed, options.signal);
  }

  /** Flushes every `flushPeriodMs` from now on, until `close()`. */
  start(): void {
    if (this.#started || this.#closing.hasBegun) return;
    this.#started = true;
    void this.#run();
  }

  /**
   * Sends the remaining samples and what shows the end of the run (staleness markers if `staleMarkers` is true). It waits at most
   * `closeTimeoutMs`. Another call returns the same report; its `timeoutMs` and its `signal` can end the wait earlier.
   *
   * @returns the report of the whole run; never rejects
   */
  close(options: OutputCloseOptions = {}): Promise<OutputReport> {
    return this.#closing.begin(options, (signal) => this.#close({ ...options, signal }));
  }

  /** A copy of the statistics of the run so far. */
  get stats(): OutputStats {
    // Each reading of the statistics of a destination makes a copy.
    const each = this.#destinations.map(({ name, stats, lagMs }) => ({ name, stats, lagMs }));
    const endpoints = each.map(({ stats, ...others }) => ({ ...stats, ...others }));
    return {
      ...sumStats(each.map(({ stats }) => stats)),
      lagMs: Math.max(...each.map(({ lagMs }) => lagMs)),
      ...this.#options.endpoints !== undefined && { endpoints },
      samplesIn: this.#samplesIn,
      samplesRefused: this.#rejected.counts,
      series: this.#store.size,
      timeSeries: this.#timeSeries,
      windows: this.#windowCount,
    };
  }

  /** Closes the output, for `await using`. The report of the run is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #flush(): Promise<DeliveryReport> {
    // This must be first, because it allows the requests of this flush.
    const deferred = this.#destinations.map((destination) => destination.resume());
    this.#addRunMetrics(this.#runMetrics.flatMap((metrics) => metrics.take()));
    const pending = this.#store.takePending().concat(this.#runMetricsStore.takePending());
    const { heartbeatMs, now } = this.#options;
    const collected = this.#collector.collect(pending, heartbeatMs > 0 ? now() : undefined);
    const batches = this.#withSenderMetrics(collected, pending);
    const zeros = this.#collector.takeZeros();
    const lost = this.#destinations.map((destination) => destination.takeLost());
    const sent = this.#sendWindow([zeros, batches]);
    const metadata = this.#destinations.map((destination) => destination.flushMetadata(this.#metadata));
    const reports = await Promise.all([...deferred, sent]);
    await Promise.all(metadata);
    return mergeReports([...lost, ...reports]);
  }

  #add(given: SampleInput): void {
    const sample = isTagged(given) ? given : { ...given, tags: noTags };
    this.#samplesIn++;
    if (this.#closing.hasBegun) return this.#rejected.add("closed", sample);
    if (this.#windows === undefined) {
      if (this.#futureLimit.isExceededBy(sample.time)) return this.#rejected.add("futureTime", sample);
    } else if (this.#timeJumps?.passes(sample) === false) {
      return;
    }
    this.#addToWindow(sample);
  }

  #addToWindow(sample: Sample): void {
    if (this.#windows?.endsBefore(sample.time) === true) void this.#flushWindow();
    const labelled = this.#metadataLabels === undefined ? sample : this.#metadataLabels.addTo(sample);
    for (const metrics of this.#runMetrics) metrics.add(labelled);
    this.#store.add(labelled);
  }

  #addRunMetrics(samples: readonly Sample[]): void {
    for (const sample of samples) this.#runMetricsStore.add(sample);
  }

  /** Sends rounds in their order: the queue keeps the order of a shard's batches. */
  async #sendWindow(rounds: readonly Round[]): Promise<DeliveryReport> {
    if (rounds.flat().every((batch) => batch === undefined)) return mergeReports([]);
    this.#windowCount++;
    if (this.#checkpointed === undefined) return await this.#enqueue(rounds);
    return await this.#checkpointed.send((options) => this.#enqueue(rounds, options));
  }

  async #enqueue(rounds: readonly Round[], options?: PushOptions): Promise<DeliveryReport> {
    this.#show(rounds);
    // A replay keeps every window.
    const isCumulative = this.#windows === undefined && cumulativeMappings.includes(this.#options.mapping.name);
    const reports = rounds.flatMap((round, index) =>
      round.flatMap((batch, shard) => {
        if (batch === undefined) return [];
        // Zeros come in a round before the values.
        const pushing = { ...options, isCumulative: isCumulative && index === rounds.length - 1 };
        return this.#destinations.map((destination) => destination.push(shard, batch, pushing));
      })
    );
    return mergeReports(await Promise.all(reports));
  }

  /** Passes the time series on to the caller. Its mistakes must not stop the sending. */
  #show(rounds: readonly Round[]): void {
    const { onTimeSeries, onWarning } = this.#options;
    if (onTimeSeries === undefined) return;
    try {
      for (const batch of rounds.flat()) if (batch !== undefined) onTimeSeries(timeSeriesOf(batch));
    } catch (error) {
      onWarning(`onTimeSeries failed: ${reasonOf(error)}`);
    }
  }

  #withSenderMetrics(batches: Round, pending: readonly Series<EncodedSeries>[]): Round {
    if (this.#senderMetrics.length === 0) return batches;
    // In a replay of an old run, the present time would make the receiver refuse all later samples as too old.
    const newest = (latest: number, series: Series<EncodedSeries>): number => Math.max(latest, series.latestTime);
    const time = this.#windows === undefined ? this.#options.now() : pending.reduce(newest, -Infinity);
    if (time === -Infinity) return batches;
    const [first = new Batch(), ...rest] = batches;
    for (const [index, metrics] of this.#senderMetrics.entries()) {
      const stats = this.#destinations[index]?.stats;
      if (stats !== undefined) metrics.addTo(first, { stats, time });
    }
    return [first, ...rest];
  }

  async #run(): Promise<void> {
    const { sleep, flushPeriodMs, heartbeatMs } = this.#options;
    const { signal } = this.#timer = new AbortController();
    while (!signal.aborted) {
      await sleep(flushPeriodMs, signal);
      if (signal.aborted) return;
      // Not awaited, because a slow endpoint must not delay the next window.
      void this.flush();
      if (heartbeatMs > 0) this.#beat(this.#options.now(), heartbeatMs);
    }
  }

  /** Sends idle series again: Prometheus forgets a series, and so its total, after five minutes without a sample. */
  #beat(now: number, heartbeatMs: number): void {
    const idle: Series<EncodedSeries>[] = [];
    for (const store of [this.#store, this.#runMetricsStore]) {
      for (const series of store.series()) {
        const idleMs = now - (series.sentAtMs ?? now);
        // After the clock was set back, it is not known for how long the series was idle.
        if (idleMs >= heartbeatMs || idleMs < 0) idle.push(series);
      }
    }
    void this.#enqueue([this.#collector.collectAgain(idle, now)]);
  }

  async #close(options: OutputCloseOptions): Promise<OutputReport> {
    const { timeoutMs = this.#options.closeTimeoutMs, signal, flush = true, ended = true } = options;
    const showsEnd = flush && ended;
    this.#timer?.abort();
    // Before the verdicts, which are about all samples.
    if (flush) this.#timeJumps?.release();
    if (showsEnd) this.#addRunMetrics(this.#runMetrics.flatMap((metrics) => metrics.verdicts()));
    const last = flush ? [this.flush()] : [];
    if (showsEnd && this.#options.staleMarkers) {
      // Not for the run metrics: the verdicts must still be visible after the run.
      last.push(this.#sendWindow([this.#collector.collectStale(this.#store.series())]));
    }
    const finish = async (signal: AbortSignal): Promise<void> => {
      await Promise.all(last);
      // The caller's `onWindow` may never resolve.
      await untilAborted(this.#checkpointed?.settle(), signal).catch(() => {});
    };
    const endpoints = await Promise.all(this.#destinations.map(async (destination) => ({
      ...await destination.close({ timeoutMs, signal, finish }),
      name: destination.name,
    })));
    const report = mergeReports(endpoints);
    return this.#options.endpoints === undefined ? report : { ...report, endpoints };
  }

  #lose(samples: number, error: unknown, warnings: Warnings): void {
    const reason = `a sink of the mapping "${this.#options.mapping.name}" failed: ${reasonOf(error)}`;
    for (const destination of this.#destinations) destination.lose(samples, { drop: "sink_failed", reason });
    warnings.once(`Samples lost: ${samples} (${reason}). Further samples of this kind are only counted.`);
  }
}

/**
 * A queue on disk in front of the queue in memory: what waits survives the end of the process.
 *
 * A batch is stored before it is sent. The queue in memory gets as many batches as it can send soon; the others are read again when
 * it has room. When a batch is settled, that is stored, too. The next process first sends what is not settled: the receiver may have
 * stored it already, so samples that it refuses count as unknown.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";
import type { Batch } from "../protocol/batch.ts";
import type { NameEscaping } from "../protocol/name_escaping.ts";
import { BatchWriter, readBatch, readBatches, readNewest } from "../protocol/stored_batch.ts";
import { isMergeable } from "./merge_batches.ts";
import { ReportBuilder } from "./report_builder.ts";
import { untilAborted } from "./sleep.ts";
import { type BatchFacts, type DamagedBytes, type LogRecord, SpoolLog, type SpoolStore } from "./spool_log.ts";
import type { SendStats } from "./stats.ts";
import type { Warnings } from "./warnings.ts";
import type { OverflowPolicy } from "./totals_queue.ts";
import type { PushOptions, QueueCloseOptions, SampleQueue, WriteQueue } from "./write_queue.ts";

/** What a spool needs from its sender. */
interface SpoolContext {
  readonly shards: number;
  /** How names are escaped for 1.0. @default no escaping, because 1.0 will not be used or allows the names */
  readonly escaping?: NameEscaping | undefined;
  /** How many samples may wait in memory if the store fails. */
  readonly capacity: number;
  /** What happens if the spool is full: older values are left out, or the producer waits. */
  readonly overflow: OverflowPolicy;
  readonly stats: SendStats;
  readonly warnings: Warnings;
  readonly monotonicNow: () => number;
}

/** Stores the samples that wait, so that they survive the end of the process. */
export interface Spool {
  /** Returns a queue that stores batches before it passes them on. It sends what an earlier process left at once. */
  before(queue: WriteQueue, context: SpoolContext): SampleQueue;
}

/** The options of a spool. */
interface SpoolOptions {
  /** How much may be stored, in bytes. The newest totals may exceed it. */
  readonly maxBytes: number;
}

/** What a spool contained at the start, and what became of it. */
interface SpoolContents {
  /** How many samples earlier processes left. */
  readonly found: number;
  /** What could not be read at the start. */
  readonly damaged: readonly DamagedBytes[];
  /** What happened to the samples of earlier processes. The reports of the sender do not count them. */
  readonly earlier: DeliveryReport;
  /** How many samples are stored for the next process, after the sender was closed. */
  readonly kept: number;
}

/** A spool of one sender. */
export interface OpenSpool extends Spool {
  /** What it contained at the start, and what became of it until now. */
  readonly contents: SpoolContents;
}

/**
 * Opens a spool, for one sender and one process at a time.
 *
 * @throws what the store throws
 */
export function createSpool(store: SpoolStore, { maxBytes }: SpoolOptions): OpenSpool {
  const segmentBytes = Math.min(maxSegmentBytes, maxBytes / 16);
  const log = new SpoolLog(store, { segmentBytes });
  const { recovered, damaged } = log;
  const found = recovered.reduce((sum, { samples }) => sum + samples, 0);
  let spooled: SpooledQueue | undefined;
  return {
    before: (queue, context) => spooled = new SpooledQueue(queue, { ...context, log, maxBytes, segmentBytes }),
    get contents(): SpoolContents {
      const { earlier = nothing, kept = found } = spooled ?? {};
      return { found, damaged, earlier, kept };
    },
  };
}

/** A segment is the unit in which space becomes free, and in which totals are merged: the merging must not take long. */
const maxSegmentBytes = 1024 * 1024;

/**
 * How many samples the queue in memory gets in advance, unless they take a quarter of the spool: ten requests. The others stay where
 * they can be thinned out.
 */
const maxAhead = 20_000;

/** Each batch on disk takes some hundred bytes of memory. */
const maxRecords = 100_000;

const nothing: DeliveryReport = new ReportBuilder().report();

/** A batch that waits, on disk or in memory. */
interface Entry extends BatchFacts {
  samples: number;
  /** Its place in the log; undefined if it could not be stored. */
  record: LogRecord | undefined;
  /** The batch, if it is in memory. */
  batch: Batch | undefined;
  /** How many older samples this batch replaced while it waited. */
  merged: number;
  readonly isEarlier: boolean;
  readonly pushedMs: number;
  readonly options: PushOptions;
  settle(report: DeliveryReport): void;
}

interface SpooledQueueOptions extends SpoolContext {
  readonly log: SpoolLog;
  readonly maxBytes: number;
  readonly segmentBytes: number;
}

class SpooledQueue implements SampleQueue {
  readonly #queue: WriteQueue;
  readonly #options: SpooledQueueOptions;
  readonly #writer = new BatchWriter();
  /** The batches that the queue in memory does not have yet, oldest first. */
  #waiting: Entry[];
  /** The number of waiting samples that could not be stored. */
  #heldSamples = 0;
  /** How many batches the queue in memory has. */
  #sending = 0;
  /** How many of them are of earlier processes. Nothing else is sent before they are settled. */
  #sendingEarlier = 0;
  /** How many bytes of the log they take. */
  #sendingBytes = 0;
  readonly #earlier = new ReportBuilder();
  #kept = 0;
  #isBroken = false;
  #isClosed = false;
  #changed = signalOnce();

  constructor(queue: WriteQueue, options: SpooledQueueOptions) {
    this.#queue = queue;
    this.#options = options;
    const pushedMs = options.monotonicNow();
    this.#waiting = options.log.recovered.map((record): Entry => ({
      ...{ kind: record.kind, shard: record.shard, samples: record.samples, record, pushedMs },
      ...{ batch: undefined, merged: 0, isEarlier: true, options: { sentBefore: true } },
      settle: (report) => this.#earlier.add(report),
    }));
    for (const entry of this.#waiting) this.#count(entry, 1);
    queueMicrotask(() => this.#feed());
  }

  get earlier(): DeliveryReport {
    return this.#earlier.report();
  }

  get kept(): number {
    return this.#kept;
  }

  get isFull(): boolean {
    const { log, maxBytes, capacity } = this.#options;
    return log.bytes >= maxBytes || this.#waiting.length >= maxRecords || this.#heldSamples >= capacity;
  }

  get signal(): AbortSignal {
    return this.#queue.signal;
  }

  get isSending(): boolean {
    return this.#queue.isSending;
  }

  get lagMs(): number {
    const { pushedMs = Infinity } = this.#waiting[0] ?? {};
    return Math.max(this.#queue.lagMs, this.#options.monotonicNow() - pushedMs);
  }

  push(shard: number, batch: Batch, options: PushOptions = {}): Promise<DeliveryReport> {
    if (this.#isClosed || batch.length === 0) return this.#queue.push(shard, batch, options);
    const facts: BatchFacts = { kind: kindOf(batch, options), shard, samples: batch.length };
    return new Promise((settle) => {
      const record = this.#isBroken
        ? undefined
        : this.#attempt(() => this.#options.log.append(facts, this.#writer.write(batch)));
      const pushedMs = this.#options.monotonicNow();
      const entry: Entry = { ...facts, record, batch, merged: 0, isEarlier: false, pushedMs, options, settle };
      this.#waiting.push(entry);
      this.#count(entry, 1);
      this.#feed();
      // What waits is read again when it is sent.
      if (record !== undefined) entry.batch = undefined;
      if (this.#options.overflow === "drop-oldest") this.#makeRoom();
    });
  }

  async ready(signal?: AbortSignal): Promise<void> {
    while (this.#options.overflow === "block" && this.isFull && !this.#isClosed && signal?.aborted !== true) {
      const changed = this.#changed.promise;
      await (signal === undefined ? changed : untilAborted(changed, signal).catch(() => {}));
    }
  }

  resume(): Promise<DeliveryReport> {
    this.#feed();
    return this.#queue.resume();
  }

  watch(until: Promise<unknown>): Promise<void> {
    return this.#queue.watch(until);
  }

  async close(options: QueueCloseOptions): Promise<DeliveryReport> {
    this.#isClosed = true;
    this.signal.addEventListener("abort", () => this.#stop());
    const finish = async (): Promise<void> => {
      while (this.#waiting.length + this.#sending > 0) await this.#changed.promise;
      await options.finish?.();
    };
    const report = await this.#queue.close({ ...options, finish });
    this.#stop();
    this.#attempt(() => this.#options.log.close());
    return report;
  }

  /** Passes on what the queue in memory can send soon. */
  #feed(): void {
    for (let [next] = this.#waiting; next !== undefined && this.#mayPass(next); [next] = this.#waiting) {
      this.#waiting.shift();
      this.#count(next, -1);
      void this.#send(next);
    }
  }

  #mayPass({ samples, record, isEarlier }: Entry): boolean {
    if (!isEarlier && this.#sendingEarlier > 0) return false;
    const ahead = this.#queue.size.samples;
    const bytes = this.#sendingBytes + bytesOf(record);
    return ahead === 0 ||
      (ahead + samples <= maxAhead && bytes <= this.#options.maxBytes / 4 && !this.#queue.isFull);
  }

  async #send(entry: Entry): Promise<void> {
    const { batch, shard, record, isEarlier, options } = entry;
    const batches = batch === undefined ? this.#read(entry) : [{ shard, batch }];
    // The queue in memory must not merge it, because what is stored would stay as it is.
    const pushing = { ...options, isCumulative: false, isLate: true };
    const pushed = batches.map(({ shard, batch }) => this.#queue.push(shard, batch, pushing));
    this.#sending++;
    this.#sendingBytes += bytesOf(record);
    if (isEarlier) this.#sendingEarlier++;
    const report = new ReportBuilder();
    for (const each of await Promise.all(pushed)) report.add(each);
    if (batches.length === 0) report.count("failed", entry.samples, "it cannot be read from the spool any more");
    this.#sending--;
    this.#sendingBytes -= bytesOf(record);
    if (isEarlier) this.#sendingEarlier--;
    const { deferred, failed, dropped } = report.report();
    // If the end of the queue interrupts a batch, the batch is left to the next process.
    const isBrokenOff = deferred > 0 || (this.#isClosed && batches.length > 0 && failed + dropped > 0);
    const isLeft = isBrokenOff && record !== undefined;
    if (isLeft) this.#kept += deferred + failed + dropped;
    if (isBrokenOff) this.#stop();
    this.#settle(entry, isLeft ? allDeferred(report) : report, { isLeft });
    this.#feed();
  }

  /** Reads the batches to send for an entry; none if the stored batch is damaged. */
  #read({ shard, record, isEarlier }: Entry): readonly { readonly shard: number; readonly batch: Batch }[] {
    try {
      const stored = record && this.#options.log.read(record);
      if (stored === undefined) return [];
      if (!isEarlier) return [{ shard, batch: readBatch(stored, this.#options.escaping) }];
      // The earlier process may have had another number of shards.
      const batches = readBatches([stored], this.#options);
      return batches.flatMap((batch, shard) => batch === undefined ? [] : [{ shard, batch }]);
    } catch {
      return [];
    }
  }

  #settle(entry: Entry, report: ReportBuilder, { isLeft = false }: { readonly isLeft?: boolean } = {}): void {
    const { record } = entry;
    if (record !== undefined && !isLeft) this.#attempt(() => this.#options.log.settle(record));
    report.countMerged(entry.merged);
    entry.settle(report.report());
    const changed = this.#changed;
    this.#changed = signalOnce();
    changed.fire();
  }

  /** Leaves what waits to the next process. */
  #stop(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) {
      this.#count(entry, -1);
      if (entry.record !== undefined) this.#kept += entry.samples;
      const report = new ReportBuilder();
      report.count("deferred", entry.samples, "the queue was closed");
      this.#settle(entry, report, { isLeft: true });
    }
  }

  /** Leaves out older values, and then drops the oldest batches, until the spool is within its limits. */
  #makeRoom(): void {
    while (this.isFull && (this.#thin() || this.#dropOldest()));
  }

  /** Replaces some of the oldest totals by one batch with the newest of them. Returns false if there are none. */
  #thin(): boolean {
    const { log, maxBytes, warnings } = this.#options;
    const run = this.#oldestRun();
    const last = run.at(-1);
    if (last?.record === undefined || this.#isBroken) return false;
    const newest = this.#newestOf(run);
    if (newest === undefined) return false;
    const { kind, shard, record: { order } } = last;
    const samples = newest.length;
    const record = this.#attempt(() => {
      const added = log.append({ kind, shard, samples, order }, this.#writer.write(newest));
      log.settle(...run.flatMap(({ record }) => record ?? []));
      return added;
    });
    if (record === undefined) return false;
    const before = run.reduce((sum, entry) => sum + entry.samples + entry.merged, 0);
    for (const entry of run) this.#count(entry, -1);
    const replaced = new Set(run.slice(0, -1));
    this.#waiting = this.#waiting.filter((entry) => !replaced.has(entry));
    for (const entry of replaced) entry.settle(nothing);
    Object.assign(last, { record, samples, merged: before - samples });
    this.#count(last, 1);
    warnings.once(
      `The spool is full (${maxBytes} bytes), so it leaves out older values; totals stay right. ` +
        "Use --spool-bytes to make it larger.",
    );
    return true;
  }

  /** Returns the newest sample of each series; undefined if the batches cannot be read. */
  #newestOf(run: readonly Entry[]): Batch | undefined {
    try {
      const stored = run.flatMap(({ record }) => (record && this.#options.log.read(record)) ?? []);
      return readNewest(stored, this.#options.escaping);
    } catch {
      return undefined;
    }
  }

  /** Returns two or more of the oldest batches that can be merged: of the same shard, and without a boundary between them. */
  #oldestRun(): readonly Entry[] {
    const runs = new Map<number, { entries: Entry[]; bytes: number }>();
    for (const entry of this.#waiting) {
      const { kind, shard, isEarlier, record } = entry;
      if (kind === "plain" || record === undefined || !this.#options.log.canFree(record)) continue;
      const run = runs.get(shard) ?? { entries: [], bytes: 0 };
      const [first] = run.entries;
      const ends = kind === "boundary" || (first !== undefined && first.isEarlier !== isEarlier);
      if (ends && run.entries.length > 1) return run.entries;
      if (ends) Object.assign(run, { entries: [], bytes: 0 });
      if (kind === "boundary") continue;
      run.entries.push(entry);
      run.bytes += bytesOf(record);
      if (run.entries.length > 1 && run.bytes >= this.#options.segmentBytes) return run.entries;
      runs.set(shard, run);
    }
    return [...runs.values()].find(({ entries }) => entries.length > 1)?.entries ?? [];
  }

  /** Drops the oldest batch that contains no totals. Returns false if there is none. */
  #dropOldest(): boolean {
    const { log, stats, warnings, maxBytes } = this.#options;
    const find = (isWanted: (entry: Entry) => boolean): Entry | undefined =>
      this.#waiting.find((entry, index) => index < this.#waiting.length - 1 && isWanted(entry));
    const canFree = ({ record }: Entry): boolean => record !== undefined && log.canFree(record);
    // Batches in memory are not merged.
    const oldest = find((entry) => entry.kind === "plain" && canFree(entry)) ??
      find((entry) => entry.kind === "boundary" && canFree(entry)) ??
      find(({ record }) => record === undefined);
    if (oldest === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(oldest), 1);
    this.#count(oldest, -1);
    const report = new ReportBuilder();
    report.count("dropped", oldest.samples, "the spool was full");
    stats.dropped("queue_full", oldest.samples);
    warnings.once(
      `The spool is full (${maxBytes} bytes), so the oldest samples in it are dropped. ` +
        `Samples dropped: ${oldest.samples}. Further ones are only counted. Use --spool-bytes to make it larger.`,
    );
    this.#settle(oldest, report);
    return true;
  }

  /** Adds a batch to the counts of what waits, or takes it out of them. */
  #count({ samples, record }: Entry, sign: 1 | -1): void {
    this.#options.stats.spooled += sign * samples;
    if (record === undefined) this.#heldSamples += sign * samples;
  }

  /** Changes the log. After the first failure, no batch is stored any more. */
  #attempt<Result>(change: () => Result): Result | undefined {
    try {
      return change();
    } catch (error) {
      this.#isBroken = true;
      this.#options.warnings.once(
        `Cannot write the spool: ${
          reasonOf(error)
        }. From now on, samples wait in memory, and the end of the process loses them.`,
      );
      return undefined;
    }
  }
}

/** Returns a report that counts all samples of an interrupted batch as deferred, because the batch is still stored. */
function allDeferred(report: ReportBuilder): ReportBuilder {
  const { failed, dropped, deferred, ...others } = report.report();
  const changed = new ReportBuilder();
  changed.add({ ...others, failed: 0, dropped: 0, deferred: deferred + failed + dropped, reasons: [] });
  return changed;
}

/** Returns how a batch may be thinned out: see `BatchKind`. */
function kindOf(batch: Batch, { isCumulative = false }: PushOptions): BatchFacts["kind"] {
  if (batch.stale.size > 0) return "boundary";
  return isCumulative && isMergeable(batch) ? "cumulative" : "plain";
}

function bytesOf(record: LogRecord | undefined): number {
  return record === undefined ? 0 : record.to - record.from;
}

/** A promise that is resolved once, from outside. */
interface Once {
  readonly promise: Promise<void>;
  fire(): void;
}

function signalOnce(): Once {
  let fire = (): void => {};
  const promise = new Promise<void>((resolve) => fire = resolve);
  return { promise, fire };
}

/**
 * What an aggregator knows: the last value of each sender, and the sums of all of them. It does no I/O.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { BusyError, FormatError } from "../model/errors.ts";
import type { FloatSample, Histogram, Metadata, TimeSeries } from "../model/time_series.ts";
import { Batch, emptied } from "../protocol/batch.ts";
import { type EncodedSeries, encodeSeries } from "../protocol/encoded_series.ts";
import { checkHistogram } from "../protocol/histogram_rules.ts";
import { MetadataStore, withoutLongTexts } from "../protocol/metadata_store.ts";
import { batchOf } from "../protocol/time_series_batch.ts";
import type { ReceivedWrite } from "../receive/receiver_options.ts";
import type { Warnings } from "../send/warnings.ts";
import {
  bytesOf,
  type Combined,
  combinedBytes,
  createCombined,
  gaugeOf,
  guessed,
  histogramBytes,
  isGauge,
  isRestart,
  Last,
  lastOf,
  type Sender,
  sumOf,
} from "./combined_series.ts";
import { NativeSum } from "./native_sum.ts";
import { ruleOf, type RuleOptions, type SeriesRule } from "./series_rule.ts";
import { isRemovedBy, type LabelChoice } from "./label_choice.ts";
import { LabelTree } from "./label_tree.ts";
import { type Entry, formatEntries, parseEntries } from "./state_entries.ts";

/** The labels, the rules and the limits of a state. */
interface AggregatorStateOptions extends LabelChoice, RuleOptions {
  /** How long a sender is remembered after its last sample, in milliseconds. */
  readonly forgetAfterMs: number;
  /** The most senders that are remembered at a time. */
  readonly maxSenders: number;
  /** The most series that are sent. */
  readonly maxSeries: number;
  /** The most memory of the state, in bytes. It is estimated. */
  readonly maxBytes: number;
  /** Whether `changes()` is called, so that changes must be remembered for it. */
  readonly isStored: boolean;
  /** Returns the time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns the time since any moment, in milliseconds: a clock that is set does not change it. */
  readonly monotonicNow: () => number;
  readonly warnings: Warnings;
}

/** How many samples were taken, and what happened to the others. */
export interface AggregatorCounts {
  /** Samples and histograms that changed the state. */
  accepted: number;
  /** Samples that were not newer than the last one of their sender: a request that was sent twice, or arrived late. */
  repeated: number;
  /** Samples that were refused, because they are invalid, too old, in the future, or of a series too many. */
  refused: number;
  /** Samples of series that cannot be combined. */
  leftOut: number;
  /** How often a sender began again from 0. */
  resets: number;
}

/** What happened to a write. */
interface Added {
  /** How many values were refused. */
  readonly refused: Readonly<Record<Kind, number>>;
  /** Why the first of them was refused. */
  readonly reason: string | undefined;
}

/** What a flush sends. */
interface Collected {
  /** The zeros with which new sums begin. Their sums come when they are stored. */
  readonly zeros: Batch;
  /** Staleness markers. They must not be merged with later batches. */
  readonly markers: Batch;
  /** The present value of each series that has begun. */
  readonly values: Batch;
  /** Takes what happens to them. */
  readonly flush: Flush;
}

/** A flush that has not ended. It does not hold the values: during an outage, there may be many flushes. */
export interface Flush {
  /** Notes that zeros are stored. Returns the first sums of their series, which `changes()` must store before they are sent. */
  begin(zeros: Batch): Batch;
  /**
   * Notes that zeros or markers are not stored, so that they are collected again.
   *
   * @param options `isRefused`: the endpoint refused zeros. They then come with a later time.
   */
  undo(edges: Batch, options?: { readonly isRefused: boolean }): void;
  /** Notes what happened to the values and the markers. Later ones must be newer than those that are perhaps stored. */
  settled(report: DeliveryReport): void;
  /** Notes that nothing was sent. */
  cancel(): void;
}

/** A sample may be this much ahead of the clock, because clocks differ. Prometheus has the same limit. */
const maxAheadMs = 10 * 60_000;

/**
 * The most time that counts as silence of the senders while the process does not run, as a part of `forgetAfterMs`. While it is down,
 * no sender can send. But an object of Cloudflare, which is only started to receive or to send, must forget senders, too.
 */
const maxDownPart = 0.1;

/** How long a new sender should wait if too many are remembered, in milliseconds. Usually, some are forgotten by then. */
const retryAfterMs = 10_000;

/** The two kinds of values. */
type Kind = "samples" | "histograms";

/** Notes that values are refused, and why. */
type Refuse = (kind: Kind, count: number, reason: string) => void;

/** Holds the state. All methods are synchronous, so a request is applied at once. */
export class AggregatorState {
  readonly #options: AggregatorStateOptions;
  readonly #isRemoved: (name: string) => boolean;
  /** The last value of the series before this one in the request. */
  #previous: Last | undefined;
  readonly #metadata = new MetadataStore();
  readonly #senders = new Map<string, Sender>();
  readonly #combined = new Set<Combined>();
  readonly #floats: LabelTree<Combined>;
  readonly #histograms: LabelTree<Combined>;
  readonly counts: AggregatorCounts = { accepted: 0, repeated: 0, refused: 0, leftOut: 0, resets: 0 };
  #bytes = 0;
  #nextId = 1;
  /** The time of the newest values that the endpoint has acknowledged in this process. */
  #deliveredMs = 0;
  /** The time of the newest values that the endpoint may have stored. */
  #sentMs = 0;
  /** The flushes whose values are on their way. */
  readonly #inFlight = new Set<{ timeMs: number }>();
  /** The running time of earlier processes, less the monotonic time at which this one restored the state. */
  #earlierUpMs = 0;
  #isTimeChanged = false;
  #changedLast: Last[] = [];
  #changedCombined: Combined[] = [];
  /** Entries about senders and series that began or ended. They come before the values. */
  #structure: Entry[] = [];

  constructor(options: AggregatorStateOptions) {
    this.#options = options;
    this.#isRemoved = isRemovedBy(options);
    this.#floats = new LabelTree(this.#isRemoved);
    this.#histograms = new LabelTree(this.#isRemoved);
  }

  /** How many senders are remembered. */
  get senders(): number {
    return this.#senders.size;
  }

  /** How many series are sent. */
  get series(): number {
    return this.#combined.size;
  }

  /** The estimated memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the aggregator has been running, in all processes, in milliseconds. It began anywhere. */
  get #upMs(): number {
    return this.#earlierUpMs + this.#options.monotonicNow();
  }

  /** The time of the newest values that were sent or are on their way. */
  get #newestMs(): number {
    let newest = this.#sentMs;
    for (const { timeMs } of this.#inFlight) newest = Math.max(newest, timeMs);
    return newest;
  }

  /**
   * Applies a write: adds its samples to the sums, and remembers the last values of its sender.
   *
   * @returns why samples were refused, if some were; and how many of each kind
   * @throws BusyError if there is no room for its senders. Nothing is applied then.
   */
  add({ timeSeries, metadata }: ReceivedWrite): Added {
    const nowMs = this.#options.now();
    const upMs = this.#upMs;
    this.#checkRoom(timeSeries);
    this.#addMetadata(metadata);
    const refused = { samples: 0, histograms: 0 };
    let first: string | undefined;
    const refuse: Refuse = (kind, count, reason) => {
      refused[kind] += count;
      first ??= reason;
    };
    this.#previous = undefined;
    for (const series of timeSeries) {
      try {
        this.#addSeries(series, { nowMs, upMs, refuse });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refuse("samples", series.samples?.length ?? 0, error.message);
        refuse("histograms", series.histograms?.length ?? 0, error.message);
      }
    }
    this.counts.refused += refused.samples + refused.histograms;
    return { refused, reason: first };
  }

  /** Forgets the senders that sent nothing for a long time. Their sums stay. */
  forget(): void {
    const { forgetAfterMs, isStored, now } = this.#options;
    const beforeMs = now() - forgetAfterMs;
    const seenBeforeMs = this.#upMs - forgetAfterMs;
    for (const sender of this.#senders.values()) {
      // If a request is repeated after this time, its samples are too old: they are refused, and not counted again.
      if (sender.seenMs >= seenBeforeMs || sender.newestMs >= beforeMs) continue;
      this.#senders.delete(sender.key);
      this.#bytes -= bytesOf.sender + 2 * sender.key.length;
      for (const [combined, last] of sender.last) {
        combined.members.delete(sender);
        this.#bytes -= bytesOf.last + histogramBytes(last.histogram);
      }
      if (isStored) this.#structure.push(["forget", sender.id]);
    }
  }

  /** Returns what to send now. The times of each series rise from call to call. */
  collect(): Collected {
    const timeMs = Math.max(this.#options.now(), this.#newestMs + 2);
    this.#isTimeChanged = true;
    const zeros = new Batch();
    const markers = new Batch();
    const values = new Batch(this.#combined.size || 1);
    const edges = new Map<EncodedSeries, Combined>();
    for (const combined of this.#combined) {
      let isEdge = false;
      if (!isSum(combined.rule)) isEdge = this.#collectGauge(combined, { timeMs, markers, values });
      else if (combined.hasBegun) pushSum(values, combined, timeMs);
      else if (!combined.isBeginning) isEdge = pushZero(zeros, combined, timeMs);
      if (isEdge) edges.set(combined.series, combined);
    }
    return { zeros, markers, values, flush: this.#flush(edges, timeMs) };
  }

  #flush(edges: ReadonlyMap<EncodedSeries, Combined>, timeMs: number): Flush {
    const flush = { timeMs };
    this.#inFlight.add(flush);
    return {
      begin: ({ series: begun }) => {
        flush.timeMs = Math.max(flush.timeMs, this.#options.now());
        this.#isTimeChanged = true;
        const sums = new Batch(begun.length);
        for (const series of begun) {
          const combined = edges.get(series);
          // Metadata that came in the meantime may have made it a gauge.
          if (combined?.isBeginning !== true) continue;
          combined.isBeginning = false;
          combined.hasBegun = true;
          this.#sentMs = Math.max(this.#sentMs, combined.createdMs);
          if (this.#options.isStored) this.#structure.push(this.#definitionOf(combined));
          if (combined.rule !== "none") pushSum(sums, combined, flush.timeMs);
        }
        return sums;
      },
      undo: ({ series: undone }, { isRefused } = { isRefused: false }) => {
        for (const series of undone) {
          const combined = edges.get(series);
          if (combined === undefined) continue;
          // The time was wrong, is too old by now, or is that of another zero, which was sent before a crash.
          if (isRefused && combined.isBeginning) combined.createdMs = Infinity;
          undo(combined);
        }
      },
      settled: ({ delivered, rejected, unknown, failed, deferred }) => {
        this.#inFlight.delete(flush);
        this.#isTimeChanged = true;
        if (delivered > 0) this.#deliveredMs = Math.max(this.#deliveredMs, flush.timeMs);
        if (delivered + unknown + failed + deferred > 0) this.#sentMs = Math.max(this.#sentMs, flush.timeMs);
        // If the clock was ahead, the endpoint has refused the earlier times, too.
        else if (rejected > 0) this.#sentMs = this.#deliveredMs;
      },
      cancel: () => {
        this.#inFlight.delete(flush);
        for (const combined of edges.values()) undo(combined);
      },
    };
  }

  /** Collects the value of a gauge, or the marker that it has ended, as a sum that became too large. Returns whether it has ended. */
  #collectGauge(combined: Combined, { timeMs, markers, values }: CollectedGauges): boolean {
    const { rule, series, members, hasBegun } = combined;
    const sinceMs = this.#upMs - this.#options.forgetAfterMs;
    const value = isGauge(rule) ? gaugeOf(members, { rule, sinceMs }) : undefined;
    combined.hasBegun = value !== undefined;
    if (value !== undefined) {
      values.push(series, value, timeMs);
      if (!hasBegun && this.#options.isStored) this.#structure.push(this.#definitionOf(combined));
    } else if (hasBegun) markers.pushStale(series, timeMs);
    // The last samples of a remembered sender are kept: a late one must not show the gauge again.
    else if (isGauge(rule) && members.size === 0) this.#remove(combined);
    return hasBegun && value === undefined;
  }

  /** The metadata of the series that are sent, by metric family. */
  get metadata(): ReadonlyMap<string, Metadata> {
    return this.#metadata.all;
  }

  /** Returns what has changed since the last call, as a record; undefined if nothing has. */
  changes(): string | undefined {
    const entries = this.#structure;
    for (const combined of this.#changedCombined) {
      combined.isChanged = false;
      entries.push(sumOf(combined));
    }
    for (const last of this.#changedLast) {
      last.isChanged = false;
      entries.push(lastOf(last));
    }
    if (this.#isTimeChanged) entries.push(...this.#times());
    this.#structure = [];
    this.#changedCombined = [];
    this.#changedLast = [];
    this.#isTimeChanged = false;
    return entries.length === 0 ? undefined : formatEntries(entries);
  }

  /** Returns the whole state in records, with the changes that `changes()` has not returned yet. */
  snapshot(): string[] {
    this.changes();
    const records: string[] = [];
    let entries = this.#times();
    const push = (entry: Entry): void => {
      entries.push(entry);
      if (entries.length < 1000) return;
      records.push(formatEntries(entries));
      entries = [];
    };
    for (const combined of this.#combined) {
      push(this.#definitionOf(combined));
      push(sumOf(combined));
    }
    for (const sender of this.#senders.values()) {
      push(["sender", sender.id, sender.key]);
      for (const [combined, last] of sender.last) {
        if (this.#combined.has(combined)) push(lastOf(last));
      }
    }
    records.push(formatEntries(entries));
    return records;
  }

  #times(): Entry[] {
    return [["sent", this.#newestMs], ["up", this.#upMs, this.#options.now()]];
  }

  /** Takes over the state that records describe, in their order. */
  restore(records: Iterable<string>): void {
    let upMs = 0;
    let downMs = 0;
    const senders = new Map<number, Sender>();
    const all = new Map<number, Combined>();
    for (const record of records) {
      for (const entry of parseEntries(record)) {
        switch (entry[0]) {
          case "sent":
            this.#sentMs = entry[1];
            break;
          case "up":
            upMs = entry[1];
            downMs = this.#options.now() - entry[2];
            break;
          case "sender":
            senders.set(entry[1], this.#createSender(entry[2], entry[1]));
            break;
          case "forget": {
            const sender = senders.get(entry[1]);
            senders.delete(entry[1]);
            if (sender !== undefined) this.#senders.delete(sender.key);
            break;
          }
          case "series": {
            const [, id, labels, rule, createdMs, hasBegun, isDeclared, metadata] = entry;
            const series = encodeSeries(labels, metadata ?? undefined);
            const known = all.get(id);
            if (known === undefined) {
              const combined = createCombined({ id, series, rule, createdMs, hasBegun, isDeclared });
              this.#insert(combined);
              all.set(id, combined);
            } else {
              Object.assign(known, { series, rule, createdMs, hasBegun, isDeclared });
            }
            break;
          }
          case "remove": {
            const combined = all.get(entry[1]);
            all.delete(entry[1]);
            if (combined !== undefined) this.#remove(combined);
            break;
          }
          case "sum": {
            const combined = all.get(entry[1]);
            if (combined === undefined) break;
            combined.sum = entry[2];
            if (entry[3]) combined.histogram = new NativeSum(entry[3]);
            break;
          }
          case "last": {
            const [, senderId, id, time, value, start, isEnded, seenMs, histogram] = entry;
            const sender = senders.get(senderId);
            const combined = all.get(id);
            if (sender === undefined || combined === undefined) break;
            const last = new Last(sender, combined);
            sender.last.set(
              combined,
              Object.assign(last, { time, value, start, isEnded, histogram: histogram ?? undefined }),
            );
            sender.seenMs = Math.max(sender.seenMs, seenMs);
            upMs = Math.max(upMs, seenMs);
            sender.newestMs = Math.max(sender.newestMs, time);
            break;
          }
        }
      }
    }
    const silentMs = Math.min(Math.max(0, downMs), maxDownPart * this.#options.forgetAfterMs);
    this.#earlierUpMs = upMs + silentMs - this.#options.monotonicNow();
    this.#bytes = 0;
    for (const combined of this.#combined) this.#bytes += combinedBytes(combined);
    for (const sender of this.#senders.values()) {
      this.#nextId = Math.max(this.#nextId, sender.id + 1);
      this.#bytes += bytesOf.sender + 2 * sender.key.length;
      for (const [combined, last] of sender.last) {
        if (!this.#combined.has(combined)) sender.last.delete(combined);
        else {
          combined.members.set(sender, last);
          this.#bytes += bytesOf.last + histogramBytes(last.histogram);
        }
      }
    }
    for (const { id, series } of this.#combined) {
      this.#nextId = Math.max(this.#nextId, id + 1);
      this.#metadata.addSeries([series]);
    }
    this.#structure = [];
    // The next record says that the down time is counted. Otherwise, a process that ends before its first flush counts it again.
    this.#isTimeChanged = silentMs > 0;
  }

  #checkRoom(timeSeries: readonly TimeSeries[]): void {
    const { maxSenders, maxBytes } = this.#options;
    const refuse = (what: string, samples: number): never => {
      this.counts.refused += samples;
      throw new BusyError(`Cannot accept the request: ${what}`, { retryAfterMs });
    };
    const samples = (): number =>
      timeSeries.reduce((sum, { samples, histograms }) => sum + (samples?.length ?? 0) + (histograms?.length ?? 0), 0);
    if (this.#bytes > maxBytes) {
      this.forget();
      if (this.#bytes > maxBytes) refuse(`the state takes ${this.#bytes} bytes, expected at most maxBytes`, samples());
    }
    // Most requests are far from the limit.
    if (this.#senders.size + timeSeries.length <= maxSenders) return;
    const unknown = new Set<string>();
    for (const { labels } of timeSeries) {
      this.#floats.find(labels);
      const { removed: sender } = this.#floats;
      if (!this.#senders.has(sender)) unknown.add(sender);
    }
    if (unknown.size === 0 || this.#senders.size + unknown.size <= maxSenders) return;
    this.forget();
    if (this.#senders.size + unknown.size <= maxSenders) return;
    refuse(`it has new senders, and ${this.#senders.size} are remembered, expected at most maxSenders`, samples());
  }

  /** Remembers the metadata of 1.0, and applies it to series that it declares later than their first sample. */
  #addMetadata(metadata: ReadonlyMap<string, Metadata>): void {
    let isNew = false;
    for (const [name, each] of metadata) isNew = this.#metadata.add(name, each) !== undefined || isNew;
    if (!isNew) return;
    for (const combined of this.#combined) {
      const declared = combined.isDeclared ? undefined : this.#metadata.of(combined.series.name);
      if (declared !== undefined) this.#declare(combined, declared);
    }
  }

  #addSeries(series: TimeSeries, { nowMs, upMs, refuse }: RequestContext): void {
    const { samples = [], histograms = [] } = series;
    if (samples.length > 0) {
      const expected = this.#expected(series, "samples");
      const combined = expected?.combined ?? this.#combinedOf(series, { nowMs, tree: this.#floats });
      const senderKey = expected?.sender.key ?? this.#floats.removed;
      if (combined === undefined) return this.#refuseNew("samples", samples.length, refuse);
      if (combined.rule === "none") return this.#leaveOut(combined, samples.length);
      const rising = isRising(samples) ? samples : samples.toSorted(byTime);
      for (const sample of rising) this.#addFloat(sample, { combined, senderKey, nowMs, upMs, refuse, expected });
    }
    if (histograms.length > 0) {
      const expected = this.#expected(series, "histograms");
      const combined = expected?.combined ?? this.#combinedOf(series, { nowMs, tree: this.#histograms });
      const senderKey = expected?.sender.key ?? this.#histograms.removed;
      if (combined === undefined) return this.#refuseNew("histograms", histograms.length, refuse);
      const rising = isRising(histograms) ? histograms : histograms.toSorted(byTime);
      for (const histogram of rising) {
        this.#addHistogram(histogram, { combined, senderKey, nowMs, upMs, refuse, expected });
      }
    }
  }

  /**
   * Returns the last value of a series that follows the same series as in the sender's previous request. Comparing its labels with
   * those of one series takes a quarter of the time of a search. Returns undefined if a search is necessary.
   */
  #expected({ labels, metadata }: TimeSeries, kind: Kind): Last | undefined {
    const expected = this.#previous?.next;
    if (expected === undefined) return undefined;
    const { combined, sender } = expected;
    if ((combined.rule === "histogram") !== (kind === "histograms")) return undefined;
    const kept = combined.labels;
    let removed = "";
    let at = 0;
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index];
      const own = kept[at];
      if (label === undefined) return undefined;
      if (own !== undefined && label.name === own.name && label.value === own.value) at++;
      else if (removed === "" && this.#isRemoved(label.name)) removed = this.#floats.keyOf(label.name, label.value);
      else return undefined;
    }
    if (at < kept.length || removed !== sender.key) return undefined;
    if (!combined.isDeclared && metadata !== undefined && metadata.type !== "unknown") {
      this.#declare(combined, metadata);
    }
    return expected;
  }

  #refuseNew(kind: Kind, count: number, refuse: Refuse): void {
    const reason = `there are already ${this.#combined.size} series, expected at most maxSeries`;
    this.#options.warnings.once(`New series are refused: ${reason}.`);
    refuse(kind, count, `Cannot accept a series: ${reason}`);
  }

  #leaveOut({ rule, sum, series: { name } }: Combined, samples: number): void {
    this.counts.leftOut += samples;
    const why = sum === Infinity
      ? "its sum exceeds the largest number, 1.8e308. Give its senders other labels, or restart the aggregator without its state."
      : rule === "histogram"
      ? "histograms with other bounds, histograms that are gauges, and counts above 2^53 cannot be added up."
      : "quantiles and averages of several senders cannot be added up. Send histograms, or name a rule in the option gauges.";
    this.#options.warnings.once(
      `The series "${name}" is left out: ${why} Further series of this kind are left out without a warning.`,
    );
  }

  /** Returns the last value of a sender, or why a sample cannot follow it. Creates one for a sample that can be the first. */
  #lastOf(
    { combined, senderKey, nowMs, refuse, expected }: Place,
    time: number,
  ): Last | undefined {
    const kind = combined.rule === "histogram" ? "histograms" : "samples";
    if (time > nowMs + maxAheadMs) {
      refuse(kind, 1, `Cannot accept a sample: its time is ${time}, expected at most 10 minutes after ${nowMs}`);
      return undefined;
    }
    let sender = expected?.sender ?? this.#senders.get(senderKey);
    const known = expected ?? sender?.last.get(combined);
    if (known !== undefined) {
      this.#follow(known);
      if (time > known.time) return known;
      this.counts.repeated++;
      return undefined;
    }
    const { forgetAfterMs, warnings } = this.#options;
    if (time < nowMs - forgetAfterMs) {
      refuse(kind, 1, `Cannot accept a sample: its time is ${time}, and its sender is not known (any more)`);
      return undefined;
    }
    if (senderKey === "") {
      warnings.once(
        `The series "${combined.series.name}" has none of the labels that distinguish senders. All series of this kind count as ` +
          `those of one sender.`,
      );
    }
    if (!this.#combined.has(combined)) this.#begin(combined);
    if (sender === undefined) {
      sender = this.#createSender(senderKey, this.#nextId++);
      this.#bytes += bytesOf.sender + 2 * senderKey.length;
    }
    const last = new Last(sender, combined);
    sender.last.set(combined, last);
    combined.members.set(sender, last);
    this.#bytes += bytesOf.last;
    this.#follow(last);
    return last;
  }

  /** Notes the order of a sender's series. Series of another sender must not keep a forgotten sender in memory. */
  #follow(last: Last): void {
    const previous = this.#previous;
    if (previous !== undefined && previous !== last && previous.sender === last.sender) previous.next = last;
    this.#previous = last;
  }

  #addFloat(sample: FloatSample, place: Place): void {
    const { combined } = place;
    const { value, stale = false } = sample;
    const isCounter = combined.rule === "counter";
    if (!stale && isCounter && !isCount(value)) {
      const { name } = combined.series;
      // The sum of a classic histogram or a summary is negative if the observations are.
      const isNegative = name.endsWith("_sum") && value > -Infinity && value < 0;
      const problem = `it is ${value}, expected a finite number from 0`;
      if (!isNegative) return place.refuse("samples", 1, `Cannot accept a sample of the counter "${name}": ${problem}`);
    }
    const time = Number(sample.timestamp);
    const last = this.#lastOf(place, time);
    if (last === undefined) return;
    if (!stale) {
      const start = Number(sample.startTimestamp ?? 0);
      if (isCounter) {
        // A counter that began again begins at 0.
        const isReset = last.time !== -Infinity && (value < last.value || isRestart(last, start));
        if (isReset) this.counts.resets++;
        const gained = isReset ? value : value - last.value;
        if (gained !== 0) this.#raise(combined, combined.sum + gained);
      }
      last.value = value;
      last.start = Math.max(last.start, start);
    }
    if (combined.rule === "none") this.#leaveOut(combined, 1);
    this.#taken(last, { time, stale, upMs: place.upMs });
  }

  /** Sets the sum of a counter. A sum that is no number any more can never become one again, so the series is left out. */
  #raise(combined: Combined, sum: number): void {
    combined.sum = Number.isFinite(sum) ? sum : Infinity;
    if (combined.sum === Infinity) {
      combined.rule = "none";
      if (this.#options.isStored) this.#structure.push(this.#definitionOf(combined));
    }
    this.#change(combined);
  }

  #addHistogram(histogram: Histogram, place: Place): void {
    const { combined } = place;
    const { stale = false, resetHint = 0 } = histogram;
    if (!stale) {
      const problems: string[] = [];
      checkHistogram(histogram, (_, problem) => problems.push(problem));
      const [problem] = problems;
      const { name } = combined.series;
      if (problem !== undefined) {
        return place.refuse("histograms", 1, `Cannot accept a histogram of "${name}": ${problem}`);
      }
      if (resetHint === 3 || combined.histogram?.fits(histogram) === false) return this.#leaveOut(combined, 1);
    }
    const time = Number(histogram.timestamp);
    const last = this.#lastOf(place, time);
    if (last === undefined) return;
    if (!stale) {
      const start = Number(histogram.startTimestamp ?? 0);
      const isRestarted = last.histogram !== undefined && (isRestart(last, start) || resetHint === 1);
      const earlier = isRestarted ? undefined : last.histogram;
      const bytes = combined.histogram?.bytes ?? 0;
      const sum = combined.histogram ??= new NativeSum(emptied(histogram));
      if (sum.addIncrease(histogram, earlier) || isRestarted) this.counts.resets++;
      this.#bytes += sum.bytes - bytes + histogramBytes(histogram) - histogramBytes(last.histogram);
      last.histogram = histogram;
      last.start = Math.max(last.start, start);
      this.#change(combined);
    }
    this.#taken(last, { time, stale, upMs: place.upMs });
  }

  /** Notes that a sample was taken. */
  #taken(last: Last, { time, stale, upMs }: { time: number; stale: boolean; upMs: number }): void {
    this.counts.accepted++;
    const { sender } = last;
    last.time = time;
    last.isEnded = stale;
    sender.seenMs = upMs;
    if (time > sender.newestMs) sender.newestMs = time;
    this.#changeLast(last);
  }

  #changeLast(last: Last): void {
    if (!this.#options.isStored || last.isChanged) return;
    last.isChanged = true;
    this.#changedLast.push(last);
  }

  #change(combined: Combined): void {
    if (!this.#options.isStored || combined.isChanged) return;
    combined.isChanged = true;
    this.#changedCombined.push(combined);
  }

  #createSender(key: string, id: number): Sender {
    const sender = { id, key, last: new Map(), seenMs: 0, newestMs: 0 };
    this.#senders.set(key, sender);
    if (this.#options.isStored) this.#structure.push(["sender", id, key]);
    return sender;
  }

  /**
   * Returns the series that the series of senders become. It begins with the first sample that is taken. Returns undefined if there are
   * too many series. @throws FormatError
   */
  #combinedOf(
    { labels, metadata }: TimeSeries,
    { nowMs, tree }: { nowMs: number; tree: LabelTree<Combined> },
  ): Combined | undefined {
    const known = tree.find(labels);
    if (known !== undefined) {
      if (!known.isDeclared && metadata !== undefined && metadata.type !== "unknown") this.#declare(known, metadata);
      return known;
    }
    if (this.#combined.size >= this.#options.maxSeries) return undefined;
    const kept = labels.filter(({ name }) => !this.#isRemoved(name));
    // `batchOf` checks the labels, and sorts them.
    const [checked] = batchOf([{ labels: kept, samples: [{ value: 0, timestamp: 0 }] }]).series;
    if (checked === undefined) return undefined;
    const declared = metadata === undefined || metadata.type === "unknown" ? this.#metadata.of(checked.name) : metadata;
    const rule = tree === this.#histograms ? "histogram" : this.#ruleOf(checked, declared);
    const series = encodeSeries(checked.labels, shortened(declared ?? metadata ?? guessed(checked.name, rule)));
    const isDeclared = declared !== undefined;
    const combined = createCombined({
      id: this.#nextId++,
      series,
      rule,
      createdMs: nowMs,
      hasBegun: false,
      isDeclared,
    });
    // The samples of a series that is left out are not looked at, so they are never refused.
    if (rule === "none") this.#begin(combined);
    return combined;
  }

  /** Remembers a new series. */
  #begin(combined: Combined): void {
    this.#insert(combined);
    this.#metadata.addSeries([combined.series]);
    this.#bytes += combinedBytes(combined);
    if (this.#options.isStored) this.#structure.push(this.#definitionOf(combined));
  }

  #ruleOf({ name, labels }: EncodedSeries, metadata: Metadata | undefined): SeriesRule {
    return ruleOf({ name, labels, type: metadata?.type }, this.#options);
  }

  #insert(combined: Combined): void {
    this.#combined.add(combined);
    this.#treeOf(combined).set(combined.series.labels, combined);
  }

  /** Applies metadata that came later than the first sample. The last values of the senders give the sum that a counter has. */
  #declare(combined: Combined, metadata: Metadata): void {
    const bytes = combinedBytes(combined);
    combined.isDeclared = true;
    combined.series = encodeSeries(combined.series.labels, shortened(metadata));
    this.#bytes += combinedBytes(combined) - bytes;
    const rule = combined.rule === "histogram" ? "histogram" : this.#ruleOf(combined.series, metadata);
    if (rule !== combined.rule) {
      if (rule === "counter") {
        // Its first values were sent as those of a gauge, so the sum begins after them.
        Object.assign(combined, { rule, createdMs: this.#newestMs + 1, hasBegun: false });
        let sum = 0;
        for (const last of combined.members.values()) {
          if (!isCount(last.value)) {
            last.value = 0;
            this.#changeLast(last);
          }
          sum += last.value;
        }
        this.#raise(combined, sum);
      } else {
        combined.rule = rule;
        // A zero that is on its way does not begin a sum any more.
        combined.isBeginning = false;
      }
    }
    if (this.#options.isStored) this.#structure.push(this.#definitionOf(combined));
  }

  #remove(combined: Combined): void {
    this.#combined.delete(combined);
    this.#treeOf(combined).delete(combined.series.labels);
    this.#bytes -= combinedBytes(combined);
    if (this.#options.isStored) this.#structure.push(["remove", combined.id]);
  }

  #treeOf({ rule }: Combined): LabelTree<Combined> {
    return rule === "histogram" ? this.#histograms : this.#floats;
  }

  #definitionOf({ id, series, rule, createdMs, hasBegun, isDeclared }: Combined): Entry {
    return ["series", id, series.labels, rule, createdMs, hasBegun, isDeclared, series.outputs[0]?.metadata];
  }
}

/** The request that a sample belongs to. */
interface RequestContext {
  readonly nowMs: number;
  /** How long the aggregator has been running, in milliseconds. */
  readonly upMs: number;
  readonly refuse: Refuse;
}

/** The series, the sender and the request that a sample belongs to. */
interface Place extends RequestContext {
  readonly combined: Combined;
  readonly senderKey: string;
  /** The last value of the sender, if it was found without a search. */
  readonly expected: Last | undefined;
}

/** Where the values and the markers of gauges go. */
interface CollectedGauges extends Pick<Collected, "markers" | "values"> {
  readonly timeMs: number;
}

/** Returns the metadata that is kept: a hostile help text can be as long as its request. */
function shortened(metadata: Metadata | undefined): Metadata | undefined {
  return metadata && withoutLongTexts(metadata);
}

/** Reports whether a counter can have a value. */
function isCount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

/** Lets the zero or the marker of a series be collected again. */
function undo(combined: Combined): void {
  if (combined.isBeginning) combined.isBeginning = false;
  else if (!isSum(combined.rule)) combined.hasBegun = true;
}

function isSum(rule: Combined["rule"]): boolean {
  return rule === "counter" || rule === "histogram";
}

/** Adds the 0 with which a sum begins. Returns whether there is a sum. */
function pushZero(zeros: Batch, combined: Combined, timeMs: number): boolean {
  const { rule, series, histogram } = combined;
  // Only a staleness marker came so far.
  if (rule === "histogram" && histogram === undefined) return false;
  combined.isBeginning = true;
  const createdMs = combined.createdMs = Math.min(combined.createdMs, timeMs - 1);
  if (histogram === undefined) zeros.push(series, 0, createdMs);
  else zeros.pushHistogram(series, emptied(histogram.toValue()), createdMs);
  return true;
}

/** Adds the present value of a sum. */
function pushSum(values: Batch, { series, sum, histogram, createdMs }: Combined, timeMs: number): void {
  const at = histogram === undefined
    ? values.push(series, sum, timeMs)
    : values.pushHistogram(series, histogram.toValue(), timeMs);
  // If the clock was wrong, the start can be later.
  if (createdMs < timeMs) values.setStart(at, createdMs);
}

function byTime(a: FloatSample | Histogram, b: FloatSample | Histogram): number {
  return Number(a.timestamp) - Number(b.timestamp);
}

function isRising(samples: readonly (FloatSample | Histogram)[]): boolean {
  for (let at = 1; at < samples.length; at++) {
    if (Number(samples[at - 1]?.timestamp) > Number(samples[at]?.timestamp)) return false;
  }
  return true;
}

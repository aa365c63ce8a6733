/**
 * Remembers the series that the receiver refused alone, so that they no longer affect the good series. They are tried again, in a
 * request of their own, with back-off.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import type { EncodedSeries } from "../protocol/encoded_series.ts";
import { kindOf } from "./warnings.ts";

/** The most series, which take about a megabyte. Beyond it, the oldest leave: they are found again if they are still bad. */
const maxSeries = 10_000;

/** How many windows pass at most between two tries. */
const maxWait = 32;

/** The most different reasons that are kept. */
const maxReasons = 100;

/** Series that are tried in the same request. */
interface Group {
  /** How many windows pass between the last try and the next one. */
  readonly wait: number;
  /** The window of the next try. */
  readonly due: number;
}

/** A series that was refused, and the group in which it is tried again. */
interface Member {
  readonly series: EncodedSeries;
  reason: string;
  group: Group;
}

/** The samples of a window, sorted out. */
export interface SortedWindow {
  /** The samples of the series that are not in quarantine. */
  readonly good: Batch;
  /** The samples of the series that are in quarantine. */
  readonly held: Batch;
}

/** The samples of refused series. */
export interface SortedQuarantine {
  /** The samples to try again, in one request. */
  readonly probe: Batch;
  /** Whether it pays to search for bad series among them. */
  readonly isSearched: boolean;
  /** How many samples are not sent, by the reason why their series was refused. */
  readonly refused: ReadonlyMap<string, number>;
}

/** How to choose what is tried again. */
interface ProbeOptions {
  /** How many samples may be tried again. */
  readonly maxProbe: number;
  /** Whether all series of the window are in quarantine, so that the good ones need no request. */
  readonly isWhole: boolean;
  /** Whether there is no later window: then all series are tried. */
  readonly isLast: boolean;
}

/** The series that were refused alone. A series is recognised by its labels. */
export class Quarantine {
  /** The refused series, by the hash of their labels. */
  readonly #members = new Map<number, readonly Member[]>();
  #size = 0;
  readonly #reasons = new Map<string, string>();
  #window = 0;
  /** The group of the series that were refused in this window. */
  #newest: Group | undefined;
  /** What is tried again in this window. */
  #tried: "group" | "all" | "searched" = "all";
  /** Whether series were accepted since the last search: then others are probably good again, too. */
  #recovers = false;
  /** How many windows pass between two searches. */
  #searchWait = 1;
  /** The window of the next search. */
  #searchDue = 0;
  /** Why the receiver accepts no native histograms; undefined if it may accept them. */
  #noHistograms: string | undefined;

  /** Adds series that were refused. The next window tries them again, together. */
  add(series: Iterable<EncodedSeries>, refusal: string): void {
    const kind = kindOf(refusal);
    const reason = this.#reasons.get(kind) ?? refusal;
    if (this.#reasons.size < maxReasons) this.#reasons.set(kind, reason);
    const group = this.#newest ??= { wait: 1, due: this.#window + 1 };
    for (const each of series) {
      const member = this.#find(each);
      if (member === undefined) this.#insert({ series: each, reason, group });
      else Object.assign(member, { reason, group });
    }
  }

  /** Adds the histograms of a request whose floats were accepted: probably the receiver accepts no native histograms. */
  addHistograms(series: Iterable<EncodedSeries>, reason: string): void {
    this.add(series, reason);
    this.#noHistograms = reason;
  }

  /** Begins a window, and sorts its samples out. Returns undefined if no series of the window is in quarantine. */
  sort(batch: Batch): SortedWindow | undefined {
    if (this.#size === 0) {
      this.#recovers = false;
      return undefined;
    }
    this.#window++;
    this.#newest = undefined;
    const found = batch.series.map((_, index) => {
      const series = batch.seriesAt(index);
      if (series === undefined) return false;
      if (this.#find(series) !== undefined) return true;
      if (this.#noHistograms === undefined || !batch.histograms.has(index)) return false;
      this.add([series], this.#noHistograms);
      return true;
    });
    if (!found.includes(true)) return undefined;
    const good = new Batch(Math.max(1, found.filter((isFound) => !isFound).length));
    const held = new Batch();
    for (const [index, isFound] of found.entries()) (isFound ? held : good).copy(batch, index);
    return { good, held };
  }

  /** Chooses which of the series that were sorted out are tried again in this window. */
  choose(held: Batch, { maxProbe, isWhole, isLast }: ProbeOptions): SortedQuarantine {
    const members = held.series.map((series, index) => this.#find(held.seriesAt(index) ?? series));
    let next: Group | undefined;
    for (const member of members) {
      const group = member?.group;
      if (group !== undefined && group.due <= this.#window && !((next?.due ?? Infinity) <= group.due)) next = group;
    }
    // Without good series, one request for all series is no additional request. If they were refused because of their time, all of
    // them may be good again.
    const isSearched = isLast || (this.#recovers && this.#searchDue <= this.#window);
    const triesAll = isSearched || (isWhole && (next === undefined || this.#window % 2 === 0));
    this.#tried = isSearched ? "searched" : triesAll ? "all" : "group";
    if (isSearched) {
      this.#recovers = false;
      this.#searchDue = this.#window + this.#searchWait;
      this.#searchWait = Math.min(maxWait, 2 * this.#searchWait);
    }
    const probe = new Batch();
    const refused = new Map<string, number>();
    for (const [index, member] of members.entries()) {
      // A series that left in the meantime is tried as well.
      const isTried = member === undefined || ((triesAll || member.group === next) && probe.length < maxProbe);
      if (isTried) probe.copy(held, index);
      else refused.set(member.reason, (refused.get(member.reason) ?? 0) + 1);
    }
    return { probe, isSearched, refused };
  }

  /** Takes note that the receiver accepted series. The next window searches among the others, unless this one does. */
  accepted(series: Iterable<EncodedSeries>, { hasHistograms }: { readonly hasHistograms: boolean }): void {
    for (const each of series) this.#delete(each);
    if (hasHistograms) this.#noHistograms = undefined;
    if (this.#tried === "searched") this.#searchWait = 1;
    else this.#recovers = true;
  }

  /** Takes note that the receiver refused a group. Its halves are tried separately, each after twice as many windows. */
  refused(series: Iterable<EncodedSeries>): void {
    if (this.#tried !== "group") return;
    const members = [...new Set(Array.from(series, (each) => this.#find(each)))].filter((each) => each !== undefined);
    const middle = (members.length + 1) >> 1;
    for (const half of [members.slice(0, middle), members.slice(middle)]) {
      const wait = Math.min(maxWait, 2 * (half[0]?.group.wait ?? 1));
      const group = { wait, due: this.#window + wait };
      for (const member of half) member.group = group;
    }
  }

  #find(series: EncodedSeries): Member | undefined {
    return this.#members.get(series.hash)?.find((member) => isSame(member.series, series));
  }

  #insert(member: Member): void {
    const { hash } = member.series;
    this.#members.set(hash, [...this.#members.get(hash) ?? [], member]);
    this.#size++;
    const [oldest] = this.#members.values();
    if (this.#size > maxSeries && oldest?.[0] !== undefined) this.#delete(oldest[0].series);
  }

  #delete(series: EncodedSeries): void {
    const { hash } = series;
    const members = this.#members.get(hash) ?? [];
    const others = members.filter((member) => !isSame(member.series, series));
    this.#size -= members.length - others.length;
    if (others.length > 0) this.#members.set(hash, others);
    else this.#members.delete(hash);
  }
}

/** Reports whether two series have the same labels. The generic client makes a new object for each call. */
function isSame(a: EncodedSeries, b: EncodedSeries): boolean {
  if (a === b) return true;
  const [x, y] = [a.labels, b.labels];
  return x.length === y.length && x.every(({ name, value }, at) => name === y[at]?.name && value === y[at]?.value);
}

/**
 * Remembers the series that the receiver refused alone, so that they no longer affect the good series. They are tried again, in a
 * request of their own, with back-off.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import type { EncodedSeries } from "../protocol/encoded_series.ts";
import { kindOf } from "./warnings.ts";

/** About a megabyte. If there are more, the oldest leave: they are found again if they are still bad. */
const maxSeries = 10_000;

/** How many windows pass at most between two tries. */
const maxWait = 32;

/** This many different reasons are kept. */
const maxReasons = 100;

/** Series that are tried in the same request. */
interface Group {
  /** How many windows pass between the last try and the next one. */
  readonly wait: number;
  /** The window of the next try. */
  readonly due: number;
}

/** A refused series. */
interface Member {
  readonly series: EncodedSeries;
  readonly reason: string;
  group: Group;
}

/** The samples of a window, sorted out. */
export interface SortedWindow {
  /** The samples of the series that are not in quarantine. */
  readonly good: Batch;
  /** The samples to try again, in one request after the good ones. */
  readonly probe: Batch;
  /** How many samples are not sent, by the reason why their series was refused. */
  readonly refused: ReadonlyMap<string, number>;
}

/** The series that were refused alone. A series is recognised by its labels. */
export class Quarantine {
  readonly #members = new Map<number, Member>();
  readonly #reasons = new Map<string, string>();
  #window = 0;
  /** The group of the series that were refused in this window. */
  #newest: Group | undefined;
  /** Why the receiver accepts no native histograms; undefined if it may accept them. */
  #noHistograms: string | undefined;

  /** Adds series that were refused. The next window tries them again, together. */
  add(series: Iterable<EncodedSeries>, reason: string): void {
    const kind = kindOf(reason);
    const known = this.#reasons.get(kind) ?? reason;
    if (this.#reasons.size < maxReasons) this.#reasons.set(kind, known);
    const group = this.#newest ??= { wait: 1, due: this.#window + 1 };
    for (const each of series) {
      this.#members.set(this.#keyOf(each), { series: each, reason: known, group });
      const [oldest] = this.#members.keys();
      if (oldest !== undefined && this.#members.size > maxSeries) this.#members.delete(oldest);
    }
  }

  /** Adds the histograms of a request whose floats were accepted: probably the receiver accepts no native histograms. */
  addHistograms(series: Iterable<EncodedSeries>, reason: string): void {
    this.add(series, reason);
    this.#noHistograms = reason;
  }

  /**
   * Begins a window, and sorts its samples out.
   *
   * @param maxProbe how many samples may be tried again
   * @returns undefined if no series of the window is in quarantine
   */
  sort(batch: Batch, maxProbe: number): SortedWindow | undefined {
    if (this.#members.size === 0) return undefined;
    this.#window++;
    this.#newest = undefined;
    const found = new Map<number, Member>();
    let next: Group | undefined;
    for (let index = 0; index < batch.length; index++) {
      const member = this.#find(batch, index);
      if (member === undefined) continue;
      found.set(index, member);
      if (member.group.due <= this.#window && !((next?.due ?? Infinity) <= member.group.due)) next = member.group;
    }
    if (found.size === 0) return undefined;
    const good = new Batch(Math.max(1, batch.length - found.size));
    const probe = new Batch();
    const refused = new Map<string, number>();
    for (let index = 0; index < batch.length; index++) {
      const member = found.get(index);
      if (member === undefined) good.copy(batch, index);
      else if (member.group === next && probe.length < maxProbe) probe.copy(batch, index);
      else refused.set(member.reason, (refused.get(member.reason) ?? 0) + 1);
    }
    return { good, probe, refused };
  }

  /** Takes note that the receiver accepted a probe. The cause has probably ended, so the next window tries all others. */
  accepted({ series, histograms }: Batch): void {
    for (const each of series) this.#members.delete(this.#keyOf(each));
    if (histograms.size > 0) this.#noHistograms = undefined;
    const group = { wait: 1, due: this.#window + 1 };
    for (const member of this.#members.values()) member.group = group;
  }

  /** Takes note that the receiver refused a probe. Its halves are tried separately, each after twice as many windows. */
  refused({ series }: Batch): void {
    const members = [...new Set(series.flatMap((each) => this.#members.get(this.#keyOf(each)) ?? []))];
    const middle = (members.length + 1) >> 1;
    for (const half of [members.slice(0, middle), members.slice(middle)]) {
      const wait = Math.min(maxWait, 2 * (half[0]?.group.wait ?? 1));
      const group = { wait, due: this.#window + wait };
      for (const member of half) member.group = group;
    }
  }

  /** Returns what is known about the series of a sample. If the receiver accepts no native histograms, a new one joins the others. */
  #find(batch: Batch, index: number): Member | undefined {
    const series = batch.series[index];
    if (series === undefined) return undefined;
    const member = this.#members.get(this.#keyOf(series));
    if (member !== undefined || this.#noHistograms === undefined || !batch.histograms.has(index)) return member;
    this.add([series], this.#noHistograms);
    return this.#members.get(this.#keyOf(series));
  }

  /** Returns the key of a series: its hash, or a number that another series with the same hash does not have. */
  #keyOf(series: EncodedSeries): number {
    let key = series.hash;
    for (let member = this.#members.get(key); member !== undefined; member = this.#members.get(key)) {
      if (isSame(member.series, series)) break;
      key += 2 ** 30;
    }
    return key;
  }
}

/** Reports whether two series have the same labels. The generic client makes a new object for each call. */
function isSame(a: EncodedSeries, b: EncodedSeries): boolean {
  if (a === b) return true;
  const [x, y] = [a.labels, b.labels];
  return x.length === y.length && x.every(({ name, value }, at) => name === y[at]?.name && value === y[at]?.value);
}

/**
 * Divides the labels of a series into those that say which sender it is from, and those that remain.
 *
 * @module
 */
import type { Label } from "../model/time_series.ts";

/** Which labels distinguish senders: those that are listed, or those that are not. */
export interface LabelChoice {
  /** The labels that are removed. */
  readonly without?: readonly string[] | undefined;
  /** The labels that remain, besides the name and `le`. */
  readonly by?: readonly string[] | undefined;
}

/** A series' labels, divided. Two keys are equal only if the labels are. */
export interface SplitLabels {
  /** The labels that remain. */
  readonly series: string;
  /** The labels that are removed. */
  readonly sender: string;
}

/** Ends a string. No decoded string contains half of a surrogate pair. */
const end = "\ud800";

/** These labels belong to every series: without them, its values have no meaning. */
const alwaysKept: readonly string[] = ["__name__", "le"];

/** Divides labels. */
export class LabelSplitter {
  /** Whether a label is removed, by its name. */
  readonly #removed = new Map<string, boolean>();
  readonly #isRemoved: (name: string) => boolean;

  constructor({ without = [], by }: LabelChoice) {
    this.#isRemoved = (name) =>
      !alwaysKept.includes(name) && (by === undefined ? without.includes(name) : !by.includes(name));
  }

  /** Returns the keys of labels in any order. */
  split(labels: readonly Label[]): SplitLabels {
    let series = "";
    let sender = "";
    let before = "";
    for (let at = 0; at < labels.length; at++) {
      const label = labels[at];
      if (label === undefined) continue;
      const { name, value } = label;
      if (name < before) return this.split(labels.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
      before = name;
      // A label with an empty value is the same as no label.
      if (value === "") continue;
      if (this.isRemoved(name)) sender += name + end + value + end;
      else series += name + end + value + end;
    }
    return { series, sender };
  }

  /** Reports whether a label is removed. */
  isRemoved(name: string): boolean {
    const known = this.#removed.get(name);
    if (known !== undefined) return known;
    const removed = this.#isRemoved(name);
    // Senders choose the names, so there may be any number of them.
    if (this.#removed.size < 1000) this.#removed.set(name, removed);
    return removed;
  }
}

/**
 * Remembers what was made of the series of a receiver. Checking and encoding the labels takes most of the time of forwarding a sample.
 *
 * @module
 */
import type { Label, Metadata } from "../model/time_series.ts";
import type { EncodedSeries } from "./encoded_series.ts";
import { isSameMetadata } from "./metadata_store.ts";
import { type CheckedLabels, checkLabels, type NameRules } from "./read_series.ts";

/**
 * The limit of the help texts and units of all encoded series together, in characters. It is enough for the series of a receiver with
 * usual help texts.
 */
const maxTextLength = 4_000_000;

/** How many series a full memory encodes anew for each one that it remembers, before it forgets all. */
const patience = 8;

/**
 * The checked labels and the encoded series of labels that cannot change. A receiver gives the same series the same frozen labels in
 * each request, and forgets some; what is remembered here goes with them. One object serves one set of rules and one escaping of names.
 */
export class SeriesCache {
  readonly #checked = new WeakMap<readonly Label[], CheckedLabels>();
  /** By the checked labels. */
  #encoded = new WeakMap<readonly Label[], EncodedSeries>();
  /** How many series were encoded and remembered, and the characters of their texts; also of those that the receiver forgot. */
  #size = 0;
  #textLength = 0;
  /** How many series could not be remembered since then. */
  #missed = 0;

  /** Like the function of this name. */
  readonly checkLabels = (labels: readonly Label[], names: NameRules): CheckedLabels => {
    const known = this.#checked.get(labels);
    if (known !== undefined) return known;
    const checked = checkLabels(labels, names);
    if (Object.isFrozen(labels)) this.#checked.set(labels, checked);
    return checked;
  };

  /**
   * Returns the encoded series of checked labels. `encode` makes it if it is new or if its metadata differ.
   *
   * @param metadata with all strings
   */
  encoded(labels: readonly Label[], metadata: Metadata | undefined, encode: () => EncodedSeries): EncodedSeries {
    const known = this.#encoded.get(labels);
    if (known !== undefined) {
      const before = known.outputs[0]?.metadata;
      if (metadata === undefined ? before === undefined : isSameMetadata(before, metadata)) return known;
    }
    const series = encode();
    const { help = "", unit = "" } = metadata ?? {};
    const length = this.#textLength + help.length + unit.length;
    if (length <= maxTextLength) {
      this.#encoded.set(labels, series);
      this.#textLength = length;
      this.#size++;
    } else if (++this.#missed > patience * this.#size) {
      // Most of what is remembered does not come again.
      this.#encoded = new WeakMap();
      this.#textLength = this.#size = this.#missed = 0;
    }
    return series;
  }
}

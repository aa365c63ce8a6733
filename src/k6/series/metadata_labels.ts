/**
 * Makes tags of chosen metadata, so that they become labels.
 *
 * @module
 */
import type { Sample, Tags } from "../sample.ts";

/** The combinations of metadata that are remembered for each set of tags; then they are forgotten. */
const maxRemembered = 1000;

/** Adds chosen metadata to the tags of samples. */
export class MetadataLabels {
  readonly #names: readonly string[];
  /** The tags with the metadata, by the tags and by the values of the metadata. The output looks tags up by identity. */
  readonly #known = new WeakMap<Tags, Map<string, Tags>>();

  /** @param names the names of the metadata, such as `vu` */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Returns a sample whose tags include the chosen metadata. A tag of the same name wins. */
  addTo(sample: Sample): Sample {
    const { tags, metadata } = sample;
    if (metadata === undefined) return sample;
    const values = this.#names.map((name) => metadata[name]);
    if (values.every((value) => value === undefined)) return sample;
    let known = this.#known.get(tags);
    if (known === undefined) this.#known.set(tags, known = new Map());
    const key = JSON.stringify(values);
    let labelled = known.get(key);
    if (labelled === undefined) {
      const chosen = this.#names.map((name, index) => [name, values[index]] as const);
      labelled = { ...Object.fromEntries(chosen.filter(isPresent)), ...tags };
      if (known.size >= maxRemembered) known.clear();
      known.set(key, labelled);
    }
    return { ...sample, tags: labelled };
  }
}

function isPresent(entry: readonly [string, string | undefined]): entry is readonly [string, string] {
  return entry[1] !== undefined;
}

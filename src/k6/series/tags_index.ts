/**
 * Finds the entry for tags by their names and values, whatever object holds them. It is a tree, because engines already know
 * the hash of each tag's string, while a string of all tags would have to be built and hashed each time.
 *
 * @module
 */
import type { Tags } from "../sample.ts";

/** The only entry whose tags begin like the path to it. */
interface Leaf<T> {
  readonly tags: Tags;
  readonly size: number;
  readonly entry: T;
}

/** The entries whose tags begin with the tags on the path to it. */
class Branch<T> {
  /** By the name of the next tag, then by its value. */
  readonly next = new Map<string, Map<unknown, Branch<T> | Leaf<T>>>();
  /** The entry of the tags that end here. */
  end: T | undefined;
}

/** Entries by tags. The same tags in another order may have another entry. */
export class TagsIndex<T> {
  readonly #maxSize: number;
  #root = new Branch<T>();
  #size = 0;

  /** @param maxSize the number of entries at which the index forgets all of them */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Returns the entry of tags, which `create` makes if the tags are new or forgotten. */
  get(tags: Tags, create: () => T): T {
    let branch = this.#root;
    for (const name in tags) {
      const value = tags[name];
      let byValue = branch.next.get(name);
      if (byValue === undefined) branch.next.set(name, byValue = new Map());
      const slot = byValue.get(value);
      if (slot instanceof Branch) {
        branch = slot;
      } else if (slot === undefined) {
        const entry = create();
        byValue.set(value, { tags: { ...tags }, size: Object.keys(tags).length, entry });
        return this.#grown(entry);
      } else if (areEqual(slot, tags)) {
        return slot.entry;
      } else {
        // Both begin alike: the known entry moves one step down, where the tags may differ.
        branch = branchOf(slot, name);
        byValue.set(value, branch);
      }
    }
    return branch.end ?? this.#grown(branch.end = create());
  }

  #grown(entry: T): T {
    if (++this.#size >= this.#maxSize) {
      this.#root = new Branch();
      this.#size = 0;
    }
    return entry;
  }
}

function areEqual({ tags, size }: Leaf<unknown>, others: Tags): boolean {
  let count = 0;
  for (const name in others) {
    if (tags[name] !== others[name]) return false;
    count++;
  }
  return count === size;
}

/** Returns a branch with a leaf behind the tag of this name. */
function branchOf<T>(leaf: Leaf<T>, name: string): Branch<T> {
  const branch = new Branch<T>();
  const names = Object.keys(leaf.tags);
  const next = names[names.indexOf(name) + 1];
  if (next === undefined) branch.end = leaf.entry;
  else branch.next.set(next, new Map([[leaf.tags[next], leaf]]));
  return branch;
}

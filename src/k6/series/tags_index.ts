/**
 * Finds again what belongs to equal tags, whatever object they come in. A tree by names and values: engines know the hash of a
 * tag's text already, while a text made of all tags would have to be built and hashed each time.
 *
 * @module
 */
import type { Tags } from "../sample.ts";

/** Tags that have a place of their own, as nothing else begins like them so far. */
interface Leaf<T> {
  readonly tags: Tags;
  readonly size: number;
  readonly entry: T;
}

/** What follows the tags that led here: by the name of the next, then by its value. */
class Branch<T> {
  readonly next = new Map<string, Map<unknown, Branch<T> | Leaf<T>>>();
  /** Of the tags that end here. */
  end: T | undefined;
}

/** Entries by tags. Tags in another order may have an entry of their own. */
export class TagsIndex<T> {
  readonly #maxSize: number;
  #root = new Branch<T>();
  #size = 0;

  /** @param maxSize entries that are remembered; with more, all are forgotten */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The entry of tags; a new one of `create` if they were not seen before, or are forgotten. */
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
        const leaf = { tags: { ...tags }, size: Object.keys(tags).length, entry: create() };
        byValue.set(value, leaf);
        this.#grown();
        return leaf.entry;
      } else if (areEqual(slot, tags)) {
        return slot.entry;
      } else {
        // Two begin alike: the one that was here goes a step further, to where they may differ.
        branch = branchOf(slot, name);
        byValue.set(value, branch);
      }
    }
    if (branch.end === undefined) {
      branch.end = create();
      const { end } = branch;
      this.#grown();
      return end;
    }
    return branch.end;
  }

  #grown(): void {
    if (++this.#size < this.#maxSize) return;
    this.#root = new Branch();
    this.#size = 0;
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

/** A branch that holds a leaf, after the tag of this name. */
function branchOf<T>(leaf: Leaf<T>, name: string): Branch<T> {
  const branch = new Branch<T>();
  const names = Object.keys(leaf.tags);
  const next = names[names.indexOf(name) + 1];
  if (next === undefined) branch.end = leaf.entry;
  else branch.next.set(next, new Map([[leaf.tags[next], leaf]]));
  return branch;
}

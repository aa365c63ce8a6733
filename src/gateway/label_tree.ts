/**
 * Finds series by their labels.
 *
 * @module
 */
import { byName } from "../model/labels.ts";
import type { Label } from "../model/time_series.ts";

/** The beginning of a list of names and values. Most beginnings have one continuation, which needs no map. */
interface Node<T> {
  text: string;
  next: Node<T> | undefined;
  others: Map<string, Node<T>> | undefined;
  value: T | undefined;
}

/** Ends a string. No decoded string contains half of a surrogate pair. */
const end = "\ud800";

/**
 * Holds a value for each set of labels. It compares the labels one by one: making one string of them, to use it as a key, takes twice
 * as long.
 */
export class LabelTree<T> {
  readonly #root: Node<T> = createNode();
  readonly #isRemoved: (name: string) => boolean;
  /** The labels that the last `find` did not compare, because they are removed. Equal strings mean equal labels. */
  removed = "";
  /** The key of the last removed label. All series of a request have the same label, and engines remember the hash of a string. */
  #last = { name: "", value: "", key: "" };

  /** @param isRemoved reports whether labels of this name are not compared */
  constructor(isRemoved: (name: string) => boolean) {
    this.#isRemoved = isRemoved;
  }

  /** Returns the value of labels in any order. It ignores the labels that are removed. */
  find(labels: readonly Label[]): T | undefined {
    let removed = "";
    let before = "";
    let node: Node<T> | undefined = this.#root;
    // By index, because an iterator takes longer.
    for (let at = 0; at < labels.length; at++) {
      const label = labels[at];
      if (label === undefined) continue;
      const { name, value } = label;
      if (name < before) return this.find(labels.toSorted(byName));
      before = name;
      // A label with an empty value is the same as no label.
      if (value === "") continue;
      if (this.#isRemoved(name)) {
        const key = this.keyOf(name, value);
        removed = removed === "" ? key : removed + key;
      } else if (node !== undefined) {
        node = follow(node, name);
        if (node !== undefined) node = follow(node, value);
      }
    }
    this.removed = removed;
    return node?.value;
  }

  /** Returns the key of a single removed label. */
  keyOf(name: string, value: string): string {
    if (value !== this.#last.value || name !== this.#last.name) {
      this.#last = { name, value, key: name + end + value + end };
    }
    return this.#last.key;
  }

  /** Sets the value of labels. @param labels sorted, without those that are removed and without empty values */
  set(labels: readonly Label[], value: T): void {
    let node = this.#root;
    for (const { name, value } of labels) {
      for (const text of [name, value]) node = follow(node, text) ?? extend(node, text);
    }
    node.value = value;
  }

  /** Removes the value of labels. @param labels as for `set` */
  delete(labels: readonly Label[]): void {
    const path: [Node<T>, string][] = [];
    let node: Node<T> | undefined = this.#root;
    for (const text of labels.flatMap(({ name, value }) => [name, value])) {
      if (node === undefined) return;
      path.push([node, text]);
      node = follow(node, text);
    }
    if (node !== undefined) node.value = undefined;
    for (const [above, text] of path.reverse()) {
      const below = follow(above, text);
      if (below === undefined || below.value !== undefined || below.next !== undefined || below.others?.size) return;
      if (above.next === below) above.next = undefined;
      else above.others?.delete(text);
    }
  }
}

function createNode<T>(): Node<T> {
  return { text: "", next: undefined, others: undefined, value: undefined };
}

function follow<T>(node: Node<T>, text: string): Node<T> | undefined {
  return node.next !== undefined && node.text === text ? node.next : node.others?.get(text);
}

function extend<T>(node: Node<T>, text: string): Node<T> {
  const created = createNode<T>();
  if (node.next === undefined) {
    node.text = text;
    node.next = created;
  } else {
    (node.others ??= new Map()).set(text, created);
  }
  return created;
}

/**
 * Remembers tags by the bytes in which they stand in k6's JSON: equal series repeat the same bytes, and finding them again is
 * far cheaper than parsing them.
 *
 * @module
 */
import type { Tags } from "../sample.ts";

interface Entry {
  readonly hash: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly tags: Tags;
  /** Of the same hash. */
  readonly next: Entry | undefined;
}

/** A run whose tags never repeat must not fill the memory: beyond this, the table begins anew. */
const maxBytes = 16 * 1024 * 1024;

/** Tags by their text. */
export class TagsTable {
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;
  #last: Entry | undefined;

  /** How many texts are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The tags whose text stands in `view` from `from` to before `to`, if it was seen before: always the same object.
   *
   * @returns undefined if it was not
   */
  find(view: DataView, from: number, to: number): Tags | undefined {
    // A request's ten metrics follow each other with the same tags.
    const last = this.#last;
    if (last !== undefined && isText(last, view, from, to)) return last.tags;
    for (let entry = this.#entries.get(hashOf(view, from, to)); entry !== undefined; entry = entry.next) {
      if (isText(entry, view, from, to)) {
        this.#last = entry;
        return entry.tags;
      }
    }
    return undefined;
  }

  /** Remembers the tags of a text. */
  set(view: DataView, from: number, to: number, tags: Tags): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice();
    this.#bytes += bytes.length + 200;
    if (this.#bytes > maxBytes) {
      this.#entries.clear();
      this.#bytes = bytes.length;
    }
    const hash = hashOf(view, from, to);
    const entry = { hash, bytes, view: new DataView(bytes.buffer), tags, next: this.#entries.get(hash) };
    this.#entries.set(hash, entry);
    this.#last = entry;
  }
}

function isText(entry: Entry, view: DataView, from: number, to: number): boolean {
  const length = to - from;
  const other = entry.view;
  if (other.byteLength !== length) return false;
  let at = 0;
  // Four bytes at a time.
  for (; at + 4 <= length; at += 4) if (other.getUint32(at) !== view.getUint32(from + at)) return false;
  for (; at < length; at++) if (other.getUint8(at) !== view.getUint8(from + at)) return false;
  return true;
}

/** FNV-1a over words instead of bytes. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at + 4 <= to; at += 4) hash = Math.imul(hash ^ view.getUint32(at), 0x01000193);
  for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  return hash ^ (hash >>> 15);
}

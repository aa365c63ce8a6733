/**
 * Remembers tags by the bytes in which they stand in k6's JSON: equal series repeat the same bytes, and finding them again is
 * far cheaper than parsing them.
 *
 * @module
 */
import type { Tags } from "../sample.ts";
import { ByteText, hashOf } from "./byte_text.ts";

interface Entry {
  readonly text: ByteText;
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
   * The tags that were found last and the length of their text, if it stands here, too: a request's ten metrics follow each
   * other with the same tags. Where the text ends need not be known.
   */
  findLast(view: DataView, from: number): { readonly tags: Tags; readonly text: ByteText } | undefined {
    const last = this.#last;
    return last?.text.isAt(view, from) === true ? last : undefined;
  }

  /**
   * The tags whose text stands in `view` from `from` to before `to`, if it was seen before: always the same object.
   *
   * @returns undefined if it was not
   */
  find(view: DataView, from: number, to: number): Tags | undefined {
    for (let entry = this.#entries.get(hashOf(view, from, to)); entry !== undefined; entry = entry.next) {
      if (entry.text.length === to - from && entry.text.isAt(view, from)) {
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
    const entry = { text: new ByteText(bytes), tags, next: this.#entries.get(hash) };
    this.#entries.set(hash, entry);
    this.#last = entry;
  }
}

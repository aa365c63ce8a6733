/**
 * Remembers tags by their bytes in k6's JSON. Samples of one series repeat the same bytes, and finding them is much cheaper than
 * parsing them.
 *
 * @module
 */
import type { Tags } from "../sample.ts";
import { ByteString, hashOf } from "./byte_string.ts";

interface Entry {
  /** The JSON object of the tags, as k6 wrote it. */
  readonly json: ByteString;
  readonly tags: Tags;
  /** The next entry with the same hash. */
  readonly next: Entry | undefined;
}

/** At this size, the table forgets all tags: those of a run that never repeats them must not fill the memory. */
const maxBytes = 16 * 1024 * 1024;

/** What an entry takes in addition to its JSON, in bytes, estimated. */
const entryBytes = 200;

/** Remembers tags by their JSON, because most lines repeat the tags of an earlier line. */
export class TagsTable {
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;
  #last: Entry | undefined;

  /** The number of remembered tags. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Returns the tags that were found last if the same JSON is at a place again: the ten metrics of a request follow each other
   * with the same tags. The caller need not know where the JSON ends.
   */
  findLast(view: DataView, from: number): { readonly tags: Tags; readonly json: ByteString } | undefined {
    const last = this.#last;
    return last?.json.isAt(view, from) === true ? last : undefined;
  }

  /** Returns the tags whose JSON is in `view` from `from` to before `to`; undefined if they are new. Each has one object. */
  find(view: DataView, from: number, to: number): Tags | undefined {
    for (let entry = this.#entries.get(hashOf(view, from, to)); entry !== undefined; entry = entry.next) {
      if (entry.json.length === to - from && entry.json.isAt(view, from)) {
        this.#last = entry;
        return entry.tags;
      }
    }
    return undefined;
  }

  /** Remembers the tags of the JSON at a place. */
  set(view: DataView, from: number, to: number, tags: Tags): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice();
    this.#bytes += bytes.length + entryBytes;
    if (this.#bytes > maxBytes) {
      this.#entries.clear();
      this.#bytes = bytes.length;
    }
    const hash = hashOf(view, from, to);
    const entry = { json: new ByteString(bytes), tags, next: this.#entries.get(hash) };
    this.#entries.set(hash, entry);
    this.#last = entry;
  }
}

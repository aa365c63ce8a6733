/**
 * The files of a spool in memory, and what can happen to them.
 *
 * @module
 */
import type { SpoolStore } from "../../src/send/spool_log.ts";

/** A store whose files a test can read and change. */
export class MemorySpool implements SpoolStore {
  /** The content of each segment, by the segment's name. */
  readonly files: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  /** How many times it was changed. */
  changes = 0;
  /** Called before each change. If it throws, nothing changes, but half of what is appended may be there. */
  onChange: () => void = () => {};
  /** Whether half of it is there. */
  tears = false;

  list(): readonly string[] {
    return [...this.files.keys()];
  }

  read(name: string, { from = 0, to }: { readonly from?: number; readonly to?: number } = {}): Uint8Array<ArrayBuffer> {
    return (this.files.get(name) ?? new Uint8Array()).slice(from, to);
  }

  append(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    try {
      this.#change();
    } catch (error) {
      if (this.tears) this.#append(name, bytes.subarray(0, bytes.length >> 1));
      throw error;
    }
    this.#append(name, bytes);
  }

  #append(name: string, bytes: Uint8Array): void {
    const before = this.read(name);
    const after = new Uint8Array(before.length + bytes.length);
    after.set(before);
    after.set(bytes, before.length);
    this.files.set(name, after);
  }

  truncate(name: string, length: number): void {
    this.#change();
    this.files.set(name, this.read(name, { to: length }));
  }

  remove(name: string): void {
    this.#change();
    this.files.delete(name);
  }

  /** The size of all segments. */
  get bytes(): number {
    return [...this.files.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #change(): void {
    this.onChange();
    this.changes++;
  }
}

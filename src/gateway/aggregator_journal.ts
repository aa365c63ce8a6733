/**
 * Keeps the state of an aggregator in a store. It appends changes as records. When the records are long, a snapshot replaces them.
 *
 * @module
 */
import type { AggregatorStore } from "./stores/store.ts";

/** A state that a journal keeps: it gives its changes as records, and can be restored from them. */
interface Journaled {
  /** Takes over the state that records describe. */
  restore(records: Iterable<string>): void;
  /** Returns what has changed since the last call; undefined if nothing has. */
  changes(): string | undefined;
  /** Returns records of the whole state, which replace all earlier ones. */
  snapshot(): string[];
}

/** A snapshot replaces the appended records if they have more bytes than this, and twice as many as the snapshot before them. */
const minBytes = 1024 * 1024;

/** Writes one record at a time. Changes that come in the meantime are written together. */
export class Journal {
  readonly #store: AggregatorStore;
  readonly #state: Journaled;
  #last: Promise<void> = Promise.resolve();
  /** The write that has not begun yet. */
  #next: Promise<void> | undefined;
  #appendedBytes = 0;
  #snapshotBytes = 0;
  /** Whether a write failed, so that it is unknown what the store holds after the last good record. */
  #isBroken = false;

  constructor(store: AggregatorStore, state: Journaled) {
    this.#store = store;
    this.#state = state;
  }

  /** Restores the state from the records in the store. @throws what the store throws */
  async open(): Promise<void> {
    const records: string[] = [];
    const decoder = new TextDecoder();
    for await (const record of this.#store.read()) {
      this.#appendedBytes += record.length;
      records.push(decoder.decode(record));
    }
    this.#state.restore(records);
  }

  /** Resolves when everything that has changed so far survives a crash. */
  commit(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const written = this.#last.then(() => {
      this.#next = undefined;
      return this.#write();
    });
    this.#next = written;
    this.#last = written.catch(() => {});
    return written;
  }

  /** Writes what is left, and closes the store. */
  async close(): Promise<void> {
    try {
      await this.commit();
    } finally {
      await this.#store.close();
    }
  }

  async #write(): Promise<void> {
    const encoder = new TextEncoder();
    const isLong = this.#appendedBytes > Math.max(minBytes, 2 * this.#snapshotBytes);
    try {
      if (this.#isBroken || isLong) {
        const records = this.#state.snapshot().map((record) => encoder.encode(record));
        this.#isBroken = true;
        await this.#store.replace(records);
        this.#snapshotBytes = records.reduce((sum, { length }) => sum + length, 0);
        this.#appendedBytes = 0;
      } else {
        const changes = this.#state.changes();
        if (changes === undefined) return;
        this.#isBroken = true;
        const record = encoder.encode(changes);
        await this.#store.append(record);
        this.#appendedBytes += record.length;
      }
      this.#isBroken = false;
    } catch (error) {
      throw new Error("Cannot write the aggregator's state to its store", { cause: error });
    }
  }
}

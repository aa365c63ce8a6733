/**
 * Remembers the labels of series from request to request. Senders send the same series again and again, and recognising their labels
 * takes a fraction of the time of decoding them.
 *
 * @module
 */
import type { Label } from "../model/time_series.ts";
import { StringCache } from "./string_cache.ts";

/** Labels that were decoded before. */
export interface KnownSeries {
  /** They are frozen, because all requests with this series share them. */
  readonly labels: readonly Label[];
  /** The labels as they are in the message of 1.0. A message of 2.0 has references to a table of its own. */
  readonly bytes: Uint8Array | undefined;
  /** The hash of what the message has. */
  readonly hash: number;
  /** What a decoder charges for the labels, in bytes. */
  readonly memoryBytes: number;
  /** When it was last seen. */
  epoch: number;
  /** The series that came next when this one was last seen. It probably comes next again. */
  next: KnownSeries | undefined;
}

/** How much is remembered, in bytes. It is estimated. */
const defaultMaxBytes = 16 * 1024 * 1024;

/** The memory of an entry without its labels, in bytes. */
const entryBytes = 200;

/** How many new series a full memory refuses for each one that it remembers, before it forgets those that did not come again. */
const patience = 8;

/**
 * The bytes of several series share an array of this size, because an array takes about 200 bytes by itself. It is small, because one
 * series that is remembered keeps the whole array.
 */
const chunkBytes = 1024;

/**
 * The labels of one protocol version. When the memory is full, new series are not remembered for some time. Then those are forgotten
 * that were not seen in the meantime. So senders with more series than the memory can hold do not make it forget series that they
 * will send again.
 */
export class KnownLabels {
  #strings: StringCache | undefined;
  readonly #maxBytes: number;
  /** By hash. If two series have the same hash, the later one takes the place. */
  readonly #series = new Map<number, KnownSeries>();
  #bytes = 0;
  /** How many series could not be remembered in this epoch. */
  #missed = 0;
  #epoch = 0;
  #chunk = new Uint8Array();
  #chunkSize = 0;
  #previous: KnownSeries | undefined;

  /** @param maxBytes how much is remembered, in bytes */
  constructor(maxBytes: number = defaultMaxBytes) {
    this.#maxBytes = maxBytes;
  }

  /** The strings of the labels. They are created at the first request, because many receivers get requests of one version only. */
  get strings(): StringCache {
    return this.#strings ??= new StringCache(16 * 1024);
  }

  /** How many series are remembered. */
  get size(): number {
    return this.#series.size;
  }

  /** Begins a request. */
  begin(): void {
    this.#previous = undefined;
  }

  /** The series that probably comes next. The caller must compare it with the one that does. */
  get expected(): KnownSeries | undefined {
    return this.#previous?.next;
  }

  /** Returns the series with a hash. The caller must compare it. */
  find(hash: number): KnownSeries | undefined {
    return this.#series.get(hash);
  }

  /** Notes that a series was recognised, and which one came before it. */
  see(series: KnownSeries): void {
    series.epoch = this.#epoch;
    if (this.#previous !== undefined) this.#previous.next = series;
    this.#previous = series;
  }

  /** Remembers a series that is new, if there is room. @param bytes are copied */
  add(
    labels: Label[],
    { bytes, hash, memoryBytes }: Pick<KnownSeries, "hash" | "memoryBytes"> & { readonly bytes?: Uint8Array },
  ): void {
    if (this.#bytes > this.#maxBytes && !this.#makeRoom()) return this.begin();
    for (const label of labels) Object.freeze(label);
    const series: KnownSeries = {
      labels: Object.freeze(labels),
      bytes: bytes && this.#copy(bytes),
      hash,
      memoryBytes,
      epoch: 0,
      next: undefined,
    };
    const replaced = this.#series.get(hash);
    if (replaced !== undefined) this.#forget(replaced);
    this.#series.set(hash, series);
    this.#bytes += bytesOf(series);
    this.see(series);
  }

  #makeRoom(): boolean {
    if (++this.#missed <= patience * this.#series.size) return false;
    this.#missed = 0;
    for (const series of this.#series.values()) {
      if (series.epoch !== this.#epoch) this.#forget(series);
    }
    this.#epoch++;
    return this.#bytes <= this.#maxBytes;
  }

  #forget(series: KnownSeries): void {
    this.#series.delete(series.hash);
    this.#bytes -= bytesOf(series);
    // A series that is still remembered must not keep others in memory.
    series.next = undefined;
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > chunkBytes / 4) return bytes.slice();
    if (this.#chunkSize + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(chunkBytes);
      this.#chunkSize = 0;
    }
    const copy = this.#chunk.subarray(this.#chunkSize, this.#chunkSize += length);
    copy.set(bytes);
    return copy;
  }
}

function bytesOf({ memoryBytes, bytes }: KnownSeries): number {
  return entryBytes + 2 * memoryBytes + (bytes?.length ?? 0);
}

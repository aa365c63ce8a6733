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
  bytes: Uint8Array | undefined;
  /** What a decoder charges for the labels, in bytes. */
  readonly memoryBytes: number;
  /** When it was last seen. */
  epoch: number;
  /** The remembered series that came next when this one was last seen. It probably comes next again. */
  next: KnownSeries | undefined;
}

/** What a message has besides the labels. */
interface NewSeries extends Pick<KnownSeries, "memoryBytes"> {
  readonly bytes?: Uint8Array;
  /** The hash by which the series is found. */
  readonly hash: number;
}

/** How much is remembered at most, in bytes. It is estimated. */
const defaultMaxBytes = 24 * 1024 * 1024;

/** The memory of an entry without its labels, in bytes. */
const entryBytes = 250;

/** The memory of a view of the bytes of a series, without these bytes. */
const viewBytes = 130;

/** The memory of a label without its characters, in bytes: an object, and strings that are partly those of other labels. */
const labelBytes = 64;

/** How many new series a full memory refuses for each one that it remembers, before it forgets those that did not come again. */
const patience = 8;

/** The bytes of several series share a buffer of this size, because a buffer takes about 200 bytes by itself. */
const chunkBytes = 1024;

/**
 * The labels of one protocol version. When the memory is full, new series are not remembered for some time. Then those are forgotten
 * that were not seen in the meantime. So senders with more series than the memory can hold do not make it forget series that they
 * will send again.
 */
export class KnownLabels {
  #strings: StringCache | undefined;
  readonly #maxBytes: number;
  /** By hash. Of several series with the same hash, only the first is remembered. */
  readonly #series = new Map<number, KnownSeries>();
  #bytes = 0;
  /** How many series could not be remembered in this epoch. */
  #missed = 0;
  #epoch = 0;
  #chunk = new Uint8Array();
  /** How many bytes of the chunk are in use. */
  #chunkSize = chunkBytes;
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
  add(labels: Label[], { bytes, hash, memoryBytes }: NewSeries): void {
    const size = bytesOf({ labels, bytes });
    const hasRoom = this.#bytes + size <= this.#maxBytes || this.#makeRoom(size);
    if (!hasRoom || this.#series.has(hash)) return this.begin();
    for (const label of labels) Object.freeze(label);
    const series: KnownSeries = {
      labels: Object.freeze(labels),
      bytes: bytes && this.#copy(bytes),
      memoryBytes,
      epoch: 0,
      next: undefined,
    };
    this.#series.set(hash, series);
    this.#bytes += size;
    this.see(series);
  }

  /** Reports whether a series of this size has room now. */
  #makeRoom(size: number): boolean {
    if (++this.#missed <= patience * this.#series.size) return false;
    this.#missed = 0;
    this.begin();
    this.#chunkSize = chunkBytes;
    for (const [hash, series] of this.#series) {
      // A remembered series must keep in memory neither a forgotten one nor the bytes of those that shared its chunk.
      series.next = undefined;
      if (series.epoch === this.#epoch) {
        series.bytes = series.bytes && this.#copy(series.bytes);
      } else {
        this.#series.delete(hash);
        this.#bytes -= bytesOf(series);
      }
    }
    this.#epoch++;
    return this.#bytes + size <= this.#maxBytes;
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > chunkBytes / 4) return bytes.slice();
    if (this.#chunkSize + length > chunkBytes) {
      this.#chunk = new Uint8Array(chunkBytes);
      this.#chunkSize = 0;
    }
    const copy = this.#chunk.subarray(this.#chunkSize, this.#chunkSize += length);
    copy.set(bytes);
    return copy;
  }
}

function bytesOf({ labels, bytes }: Pick<KnownSeries, "labels" | "bytes">): number {
  let size = entryBytes + (bytes === undefined ? 0 : viewBytes + bytes.length);
  for (const { name, value } of labels) size += labelBytes + 2 * (name.length + value.length);
  return size;
}

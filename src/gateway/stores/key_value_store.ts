/**
 * A log of records on a store of keys and values, such as a Durable Object's storage or Deno's KV.
 *
 * A record is cut into parts, because such stores limit the size of a value. Its first part is written last, and says how many parts
 * there are: a record exists only if it is complete. A snapshot is written under a new generation, which one write then makes valid.
 *
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";
import type { AggregatorStore } from "./store.ts";

/** Names a part of a record: the generation, the number of the record, and the number of the part. */
export type PartKey = readonly [generation: number, record: number, part: number];

/** The operations that the log needs. Keys are in the order of their numbers. */
interface KeyValueAccess {
  /** The most bytes of a value. */
  readonly maxValueBytes: number;
  /** Returns the number of the generation that is valid, if there is one. */
  generation(): Promise<number | undefined>;
  /** Makes a generation the valid one, in a single write. */
  setGeneration(generation: number): Promise<void>;
  /** Returns all parts in order. */
  list(): AsyncIterable<readonly [PartKey, Uint8Array]>;
  /** Writes parts. They may become durable one by one, in any order. Resolves when all of them are durable. */
  put(parts: readonly (readonly [PartKey, Uint8Array])[]): Promise<void>;
  /** Deletes parts. Each of them exists. */
  delete(keys: readonly PartKey[]): Promise<void>;
  /** Releases what the access to the store has opened. */
  close(): Promise<void>;
}

/** The first part begins with the number of parts, in four bytes. */
const headBytes = 4;

/** Returns a log on a store of keys and values. */
export function keyValueStore(access: KeyValueAccess): AggregatorStore {
  let generation = 0;
  let next = 0;

  async function write(record: Uint8Array, key: readonly [generation: number, record: number]): Promise<void> {
    const { maxValueBytes } = access;
    const rest: (readonly [PartKey, Uint8Array])[] = [];
    for (let from = maxValueBytes - headBytes; from < record.length; from += maxValueBytes) {
      rest.push([[...key, rest.length + 1], record.slice(from, from + maxValueBytes)]);
    }
    const first = record.subarray(0, maxValueBytes - headBytes);
    const head = new Uint8Array(headBytes + first.length);
    new DataView(head.buffer).setUint32(0, rest.length + 1);
    head.set(first, headBytes);
    if (rest.length > 0) await access.put(rest);
    await access.put([[[...key, 0], head]]);
  }

  /** Deletes the parts that a condition selects. */
  async function deleteParts(isOld: (key: PartKey) => boolean): Promise<void> {
    const keys: PartKey[] = [];
    for await (const [key] of access.list()) if (isOld(key)) keys.push(key);
    await access.delete(keys);
  }

  return {
    async *read() {
      generation = await access.generation() ?? 0;
      next = 0;
      let parts: Uint8Array[] = [];
      let expected = 0;
      for await (const [[of, record, part], bytes] of access.list()) {
        if (of !== generation || record !== next) continue;
        if (part === 0) {
          expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
          parts = [bytes.subarray(headBytes)];
        } else if (parts.length === part && part < expected) {
          parts.push(bytes);
        }
        if (expected === 0 || parts.length < expected) continue;
        yield concatBytes(parts);
        parts = [];
        expected = 0;
        next++;
      }
      // Deletes what a crash left: an incomplete record, and a snapshot that did not become valid, or its predecessor.
      const [current, end] = [generation, next];
      await deleteParts(([of, record]) => of !== current || record >= end);
    },
    async append(record) {
      await write(record, [generation, next]);
      next++;
    },
    async replace(snapshot) {
      const fresh = generation + 1;
      // An attempt that failed may have left parts.
      await deleteParts(([of]) => of === fresh);
      let count = 0;
      for (const record of snapshot) await write(record, [fresh, count++]);
      await access.setGeneration(fresh);
      generation = fresh;
      next = count;
      await deleteParts(([of]) => of !== fresh);
    },
    close: () => access.close(),
  };
}

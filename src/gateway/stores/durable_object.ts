import { keyValueStore, type PartKey } from "./key_value_store.ts";
import { type AggregatorStore, checkMethods } from "./store.ts";

/** The part of a Durable Object's storage that the store uses: `state.storage`. */
export interface DurableObjectStorageLike {
  /** Returns the value of a key; undefined if there is none. */
  get(key: string): Promise<unknown>;
  /** Writes up to 128 values at once. */
  put(entries: Record<string, unknown>): Promise<void>;
  /** Resolves when everything that was written is on disk. */
  sync(): Promise<void>;
  /** Deletes up to 128 values. */
  delete(keys: string[]): Promise<number>;
  /** Returns values in the order of their keys. */
  list(
    options: { readonly prefix: string; readonly startAfter?: string; readonly limit: number },
  ): Promise<Map<string, unknown>>;
}

/** The most keys of a call of the storage's methods. */
const maxKeys = 128;

const prefix = "aggregator/";
const generationKey = "aggregator-generation";

/**
 * Returns a store in a Durable Object's storage. Its keys begin with `aggregator`, so the object can keep other things there, too.
 *
 * @param storage the object's `state.storage`
 * @throws ConfigurationError if it is something else
 */
export function durableObject(storage: DurableObjectStorageLike): AggregatorStore {
  checkMethods(storage, {
    name: "storage",
    methods: ["get", "put", "sync", "delete", "list"],
    expected: "state.storage",
  });
  return keyValueStore({
    // The limit of a value is 128 KiB, with what its encoding adds.
    maxValueBytes: 120_000,
    async generation() {
      const value = await storage.get(generationKey);
      return typeof value === "number" ? value : undefined;
    },
    setGeneration: (generation) => storage.put({ [generationKey]: generation }),
    async *list() {
      for (let startAfter: string | undefined;;) {
        // A few at a time: an object has 128 MB of memory.
        const page = await storage.list({ prefix, limit: 32, ...startAfter !== undefined && { startAfter } });
        if (page.size === 0) return;
        for (const [key, value] of page) {
          startAfter = key;
          if (value instanceof Uint8Array) yield [toPartKey(key), value] as const;
        }
      }
    },
    async put(parts) {
      for (let at = 0; at < parts.length; at += maxKeys) {
        await storage.put(
          Object.fromEntries(parts.slice(at, at + maxKeys).map(([key, value]) => [toText(key), value])),
        );
      }
      // put() resolves at once. While sync() waits for the disk, the changes of further requests gather for the next write.
      await storage.sync();
    },
    async delete(keys) {
      for (let at = 0; at < keys.length; at += maxKeys) {
        await storage.delete(keys.slice(at, at + maxKeys).map(toText));
      }
    },
    close: () => Promise.resolve(),
  });
}

/** Returns a key whose order as a string is the order of its numbers. */
function toText(key: PartKey): string {
  return prefix + key.map((number) => String(number).padStart(12, "0")).join("/");
}

function toPartKey(text: string): PartKey {
  const [generation = 0, record = 0, part = 0] = text.slice(prefix.length).split("/").map(Number);
  return [generation, record, part];
}

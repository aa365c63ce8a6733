import { keyValueStore, type PartKey } from "./key_value_store.ts";
import { type AggregatorStore, checkMethods } from "./store.ts";

/** A part of a key of Deno's KV. */
export type KeyPart = string | number | bigint | boolean | Uint8Array | symbol;

/** The part of Deno's KV that the store uses: what `await Deno.openKv()` returns. */
export interface DenoKvLike {
  /** Returns the entry of a key; its value is null if there is none. */
  get(key: readonly KeyPart[]): Promise<{ readonly value: unknown }>;
  /** Sets the value of a key. */
  set(key: readonly KeyPart[], value: unknown): Promise<unknown>;
  /** Deletes the entry of a key, if there is one. */
  delete(key: readonly KeyPart[]): Promise<void>;
  /** Returns entries in the order of their keys. */
  list(
    selector: { readonly prefix: readonly KeyPart[] },
  ): AsyncIterable<{ readonly key: readonly KeyPart[]; readonly value: unknown }>;
  /** Closes the connection to the database. */
  close(): void;
}

/** How the store uses the database. */
export interface DenoKvOptions {
  /** The first part of all keys, which keeps several aggregators in one database apart. @default "aggregator" */
  readonly prefix?: string | undefined;
}

/**
 * Returns a store in Deno's KV (`--unstable-kv`). Only one process may use the same prefix at a time. `close()` of the aggregator closes
 * the database.
 *
 * @param kv the result of `await Deno.openKv()`
 * @throws ConfigurationError if it is something else
 */
export function denoKv(kv: DenoKvLike, { prefix = "aggregator" }: DenoKvOptions = {}): AggregatorStore {
  checkMethods(kv, { name: "kv", methods: ["get", "set", "delete", "list"], expected: "the result of openKv()" });
  const toKey = (key: PartKey): KeyPart[] => [prefix, "log", ...key];
  const generationKey = [prefix, "generation"];
  return keyValueStore({
    // The limit of a value is 64 KiB, with what its encoding adds.
    maxValueBytes: 60_000,
    async generation() {
      const { value } = await kv.get(generationKey);
      return typeof value === "number" ? value : undefined;
    },
    async setGeneration(generation) {
      await kv.set(generationKey, generation);
    },
    async *list() {
      for await (const { key, value } of kv.list({ prefix: [prefix, "log"] })) {
        const [generation = 0, record = 0, part = 0] = key.slice(2).map(Number);
        if (value instanceof Uint8Array) yield [[generation, record, part], value] as const;
      }
    },
    async put(parts) {
      for (const [key, value] of parts) await kv.set(toKey(key), value);
    },
    async delete(keys) {
      for (const key of keys) await kv.delete(toKey(key));
    },
    close() {
      kv.close();
      return Promise.resolve();
    },
  });
}

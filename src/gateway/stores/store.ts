/**
 * Where an aggregator keeps its state: a log of records, which a snapshot replaces from time to time.
 *
 * @module
 */

import { ConfigurationError } from "../../model/errors.ts";

/** Stores records of bytes. The aggregator calls one method at a time, and reads before it writes. */
export interface AggregatorStore {
  /**
   * Returns all records, oldest first: those of the newest snapshot, then those that were appended to it. A record whose writing
   * was interrupted is left out, together with everything behind it.
   */
  read(): AsyncIterable<Uint8Array>;
  /** Appends a record of any size. Resolves when it survives a crash of the process and of the machine. */
  append(record: Uint8Array): Promise<void>;
  /** Replaces all records by a snapshot, at once: a crash leaves either the old records or the new ones. */
  replace(snapshot: Iterable<Uint8Array>): Promise<void>;
  /** Releases what the store has opened. The aggregator does not use it any more. */
  close(): Promise<void>;
}

/** Checks the object on which a store is built. @throws ConfigurationError if a method is missing */
export function checkMethods(
  value: unknown,
  { name, methods, expected }: {
    readonly name: string;
    readonly methods: readonly string[];
    readonly expected: string;
  },
): void {
  const isObject = typeof value === "object" && value !== null;
  if (isObject && methods.every((method) => typeof Reflect.get(value, method) === "function")) return;
  throw new ConfigurationError(
    `Cannot create the store: ${name} has not the methods ${methods.join(", ")}, expected ${expected}`,
  );
}

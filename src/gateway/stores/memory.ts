import type { AggregatorStore } from "./store.ts";

/**
 * Returns a store in memory, for tests: the state survives a new aggregator with the same store, but not the process.
 *
 * @example
 * ```ts
 * import { memory, RemoteWriteAggregator } from "k6-remote-write/gateway";
 *
 * const store = memory();
 * const aggregator = new RemoteWriteAggregator({ store });
 * console.log(aggregator.stats.senders); // 0
 * ```
 */
export function memory(): AggregatorStore {
  let records: Uint8Array[] = [];
  return {
    async *read() {
      yield* records;
    },
    append(record) {
      records.push(record);
      return Promise.resolve();
    },
    replace(snapshot) {
      records = [...snapshot];
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/** What every store of an aggregator does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AggregatorStore } from "../../src/gateway/mod.ts";
import { float, startAggregator } from "./aggregator.ts";

/** A place that keeps what a store wrote. */
export interface StorePlace {
  /** Returns a store as a new process would open it. */
  open(): Promise<AggregatorStore>;
  /** Ends the process of the store that was opened last, without closing it. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

async function recordsOf(store: AggregatorStore): Promise<string[]> {
  const records: string[] = [];
  for await (const record of store.read()) records.push(new TextDecoder().decode(record));
  return records;
}

/** Runs the same tests on each kind of store. */
export function testStore(
  name: string,
  create: () => Promise<StorePlace>,
  { skip = false }: { readonly skip?: boolean | string } = {},
): void {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const withPlace = async (use: (place: StorePlace) => Promise<void>): Promise<void> => {
    const place = await create();
    try {
      await use(place);
    } finally {
      await place.remove();
    }
  };

  test(
    `the store ${name} keeps records in order, until a snapshot replaces them`,
    { skip },
    () =>
      withPlace(async ({ open, crash }) => {
        // Larger than a value of any store of keys and values.
        const long = "0123456789".repeat(40_000);
        const expected: string[] = [];
        let store = await open();
        const reopen = async (): Promise<void> => {
          await crash();
          store = await open();
          assert.deepEqual(await recordsOf(store), expected);
        };
        const append = async (...texts: readonly string[]): Promise<void> => {
          for (const text of texts) await store.append(bytes(text));
          expected.push(...texts);
        };
        const replace = async (...texts: readonly string[]): Promise<void> => {
          await store.replace(texts.map(bytes));
          expected.splice(0, Infinity, ...texts);
        };
        assert.deepEqual(await recordsOf(store), []);
        await append("one", long, "three");
        await reopen();
        await append("four");
        await reopen();
        await replace("first", long, "third");
        await reopen();
        await append("behind");
        await replace("a", "b");
        await append(long, "c");
        await reopen();
        await replace();
        await append("only");
        await reopen();
        await store.close();
      }),
  );

  test(
    `everything that was answered with 2xx survives a crash, with the store ${name}`,
    { skip },
    () =>
      withPlace(async ({ open, crash }) => {
        let store = await open();
        // The setting takes the store that is open.
        const proxy: AggregatorStore = {
          read: () => store.read(),
          append: (record) => store.append(record),
          replace: (snapshot) => store.replace(snapshot),
          close: () => store.close(),
        };
        const setting = startAggregator({ store: proxy });
        const { clock, send, totals } = setting;
        let sum = 0;
        for (let step = 0; step < 60; step++) {
          await clock.advance(1000);
          const [instance, value] = [`${step % 7}`, 1 + Math.floor(step / 7)];
          const hits = () => send([float("hits_total", { instance }, { value, timestamp: clock.now() })]);
          assert.equal(await hits(), 204);
          sum++;
          if (step % 9 === 0) await totals();
          if (step % 13 !== 0) continue;
          await crash();
          store = await open();
          setting.restart();
          // The response was lost, so the sender sends again.
          assert.equal(await hits(), 204);
        }
        assert.deepEqual([...await totals()], [["hits_total", sum]]);
        await setting.aggregator.close();
      }),
  );
}

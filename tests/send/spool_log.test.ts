import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32 } from "../../src/protocol/crc32.ts";
import { type LogRecord, SpoolLog } from "../../src/send/spool_log.ts";
import { MemorySpool } from "../support/memory_spool.ts";
import { slowRuns } from "../support/runs.ts";

const segmentBytes = 300;
const facts = { kind: "plain", shard: 0, samples: 1 } as const;
const open = (store: MemorySpool): SpoolLog => new SpoolLog(store, { segmentBytes });

/** Returns the content of a log that is not settled, in its order. */
function contentOf(log: SpoolLog): string[] {
  return log.recovered.map((record) => new TextDecoder().decode(log.read(record)));
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the checksum is that of gzip", () => {
  // https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-32-iso-hdlc
  assert.equal(crc32(bytesOf("123456789")), 0xcbf43926);
});

/** What a process does with a log; a number settles one of the batches that are left. */
const actions = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.string({ maxLength: 60 }) }) },
    { weight: 3, arbitrary: fc.record({ settle: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant("restart" as const) },
  ),
  { maxLength: 60 },
);

test("after each restart, a log has exactly the batches that are not settled, and no file that it does not need", () => {
  fc.assert(
    fc.property(actions, (list) => {
      const store = new MemorySpool();
      let log = open(store);
      let left: { readonly record: LogRecord; readonly text: string }[] = [];
      for (const [index, action] of list.entries()) {
        if (action === "restart") {
          log = open(store);
          assert.deepEqual(contentOf(log), left.map(({ text }) => text));
          left = log.recovered.map((record, at) => ({ record, text: left[at]?.text ?? "" }));
        } else if ("add" in action) {
          const text = `${index} ${action.add}`.toWellFormed();
          left.push({ record: log.append(facts, bytesOf(text)), text });
        } else if (left.length > 0) {
          const [settled] = left.splice(action.settle % left.length, 1);
          if (settled !== undefined) log.settle(settled.record);
        }
        assert.equal(log.bytes, store.bytes);
      }
      log.settle(...left.map(({ record }) => record));
      log.close();
      assert.deepEqual([...store.files.keys()], []);
    }),
    { numRuns: slowRuns(600) },
  );
});

test("a batch that stays long keeps its own segment, and no later one", () => {
  const store = new MemorySpool();
  const log = open(store);
  log.append(facts, bytesOf("stays"));
  for (let index = 0; index < 500; index++) log.settle(log.append(facts, bytesOf(`goes ${index}`)));
  assert.ok(store.files.size <= 3, `${store.files.size} segments`);
  assert.deepEqual(contentOf(open(store)), ["stays"]);
});

test("a torn end is cut off and reported, every complete batch before it is there, and new ones follow", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 8 }), fc.nat(), (texts, cut) => {
      const store = new MemorySpool();
      const log = new SpoolLog(store, { segmentBytes: Infinity });
      const all = texts.map((text) => text.toWellFormed());
      const records = all.map((text) => log.append(facts, bytesOf(text)));
      const [name = ""] = store.files.keys();
      const length = cut % (store.bytes + 1);
      store.files.set(name, store.read(name, { to: length }));
      const complete = records.filter(({ to }) => to <= length).length;
      const after = open(store);
      assert.deepEqual(contentOf(after), all.slice(0, complete));
      const valid = records[complete - 1]?.to ?? 0;
      const torn = length === valid ? [] : [{ segment: name, from: valid, to: length, isTail: true }];
      assert.deepEqual(after.damaged, torn);
      after.append(facts, bytesOf("next"));
      const last = open(store);
      assert.deepEqual(contentOf(last), [...all.slice(0, complete), "next"]);
      assert.deepEqual(last.damaged, []);
    }),
    { numRuns: slowRuns(400) },
  );
});

const damage = fc.array(fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) }), {
  minLength: 1,
  maxLength: 5,
});

test("flipped bytes cost only the batches in which they are, which are reported and never read", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 8 }), damage, (texts, flips) => {
      const store = new MemorySpool();
      const log = new SpoolLog(store, { segmentBytes: Infinity });
      const all = texts.map((text, index) => `${index} ${text}`.toWellFormed());
      const records = all.map((text) => log.append(facts, bytesOf(text)));
      const [name = ""] = store.files.keys();
      const bytes = store.read(name);
      const original = store.read(name);
      for (const { at, xor } of flips) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ xor;
      store.files.set(name, bytes);
      const isIntact = ({ to }: LogRecord, index: number): boolean =>
        bytes.subarray(records[index - 1]?.to ?? 0, to)
          .every((byte, at) => byte === original[at + (records[index - 1]?.to ?? 0)]);
      const intact = all.filter((_, index) => records[index] !== undefined && isIntact(records[index], index));
      const after = open(store);
      assert.deepEqual(contentOf(after), intact);
      assert.equal(after.damaged.length > 0, intact.length < all.length);
      const damagedBytes = after.damaged.reduce((sum, { from, to }) => sum + to - from, 0);
      const lostBytes = records.reduce(
        (sum, record, index) => isIntact(record, index) ? sum : sum + record.to - (records[index - 1]?.to ?? 0),
        0,
      );
      assert.equal(damagedBytes, lostBytes);
    }),
    { numRuns: slowRuns(600) },
  );
});

test("files of any bytes are read without an error, and nothing is found in them", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), (files) => {
      const store = new MemorySpool();
      files.forEach((bytes, index) => store.files.set(String(index + 1).padStart(10, "0"), new Uint8Array(bytes)));
      assert.deepEqual(open(store).recovered, []);
    }),
    { numRuns: slowRuns(400) },
  );
});

test("a batch that is damaged while the process runs is not read", () => {
  const store = new MemorySpool();
  const log = open(store);
  const record = log.append(facts, bytesOf("one"));
  const [name = ""] = store.files.keys();
  const bytes = store.read(name);
  bytes[record.from] = 0;
  store.files.set(name, bytes);
  assert.equal(log.read(record), undefined);
});

test("a batch that replaces others takes their place", () => {
  const store = new MemorySpool();
  const log = open(store);
  const [a, b, c] = ["a", "b", "c"].map((text) => log.append(facts, bytesOf(text)));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  log.append({ ...facts, order: b.order }, bytesOf("ab"));
  log.settle(a, b);
  assert.deepEqual(contentOf(open(store)), ["ab", "c"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TagsIndex } from "../../../src/k6/series/tags_index.ts";
import type { Tags } from "../../../src/k6/sample.ts";

function numbering(maxSize = 1000): (tags: Tags) => number {
  const index = new TagsIndex<number>(maxSize);
  let numbers = 0;
  return (tags) => index.get(tags, () => ++numbers);
}

test("equal tags have the same entry in any object, and different tags have different entries", () => {
  const numberOf = numbering();
  const all: Tags[] = [{}, { a: "1" }, { a: "1", b: "2" }, { a: "1", b: "3" }, { a: "2" }, { b: "2" }, {
    a: "1",
    b: "2",
    c: "3",
  }, { a: "" }];
  const numbers = all.map(numberOf);
  assert.deepEqual(numbers, all.map((_, at) => at + 1));
  assert.deepEqual(all.map((tags) => numberOf({ ...tags })), numbers);
  assert.deepEqual(all.toReversed().map((tags) => numberOf({ ...tags })), numbers.toReversed());
});

test("entries are the same as in a table by JSON, for any tags in one order", () => {
  const text = fc.constantFrom("", "a", "b", "ab", "1");
  const tags = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), text, { noNullPrototype: true })
    .map((record) => Object.fromEntries(Object.entries(record).sort()));
  fc.assert(
    fc.property(fc.array(tags, { maxLength: 60 }), (list) => {
      const numberOf = numbering();
      const table = new Map<string, number>();
      for (const each of list) {
        const number = numberOf(each);
        const key = JSON.stringify(each);
        assert.equal(number, table.get(key) ?? table.size + 1);
        table.set(key, number);
      }
    }),
    { seed: 9, numRuns: 500 },
  );
});

test("tags that change afterwards do not change the entries", () => {
  const numberOf = numbering();
  const tags = { a: "1" };
  numberOf(tags);
  tags.a = "2";
  assert.equal(numberOf({ a: "1" }), 1);
  assert.equal(numberOf({ a: "2" }), 2);
});

test("the index forgets all entries at its maximum size", () => {
  const numberOf = numbering(3);
  assert.deepEqual(["1", "2", "1", "3", "1"].map((a) => numberOf({ a })), [1, 2, 1, 3, 4]);
});

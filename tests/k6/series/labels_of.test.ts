import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labelsOf } from "../../../src/k6/series/labels_of.ts";

function labels(tags: Record<string, string>, reserved: string[] = ["__name__"]): Record<string, string> {
  return Object.fromEntries(
    labelsOf(new Map(Object.entries(tags)), { reserved }).map(({ name, value }) => [name, value]),
  );
}

test("a valid name keeps its label, names that become equal get a number, and no value is lost", () => {
  assert.deepEqual(labels({ "my-tag": "dash", my_tag: "line", "my.tag": "dot" }), {
    my_tag: "line",
    my_tag_2: "dash",
    my_tag_3: "dot",
  });
});

test("a tag named __name__ never replaces the metric name", () => {
  assert.deepEqual(labels({ __name__: "evil", a: "b" }), { a: "b", tag__name__: "evil" });
});

test("a tag with the name of a reserved label gets another name", () => {
  assert.deepEqual(labels({ le: "mine" }, ["__name__", "le"]), { le_2: "mine" });
});

test("an unpaired surrogate in a value becomes U+FFFD, as it does in UTF-8", () => {
  assert.deepEqual(labels({ a: "x\ud800y", "b-c": "\udc00", d: "\u{1f600}" }), {
    a: "x\ufffdy",
    b_c: "\ufffd",
    d: "\u{1f600}",
  });
});

test("labels MUST be sorted, unique and valid for any tags, and keep all values", () => {
  const tags = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "_", "-", "1", "ü", "A") }),
    fc.string(),
  );
  fc.assert(
    fc.property(tags, (record) => {
      const changes: string[] = [];
      const result = labelsOf(new Map(Object.entries(record)), {
        reserved: ["__name__"],
        onChange: (from) => changes.push(from),
      });
      const keys = result.map(({ name }) => name);
      assert.deepEqual(keys, [...new Set(keys)].sort());
      for (const name of keys) assert.match(name, /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/);
      assert.deepEqual(result.map(({ value }) => value).sort(), Object.values(record).sort());
      assert.equal(result.filter(({ name }) => !(name in record)).length <= changes.length, true);
    }),
    { seed: 4, numRuns: 500 },
  );
});

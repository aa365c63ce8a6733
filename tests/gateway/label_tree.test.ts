import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRemovedBy } from "../../src/gateway/label_choice.ts";
import { LabelTree } from "../../src/gateway/label_tree.ts";

const labels = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("a", "b", "c", "instance"),
    value: fc.constantFrom("", "a", "b", "x", "\u{10000}"),
  }),
  { selector: ({ name }) => name },
);

test("a tree of labels holds what a map with sorted labels as keys holds, whatever is added and removed", () => {
  fc.assert(fc.property(fc.array(fc.tuple(labels, fc.boolean()), { maxLength: 40 }), (steps) => {
    const isRemoved = isRemovedBy({ without: ["instance"] });
    const tree = new LabelTree<number>(isRemoved);
    const map = new Map<string, number>();
    steps.forEach(([given, isAdded], step) => {
      const sorted = given.filter(({ value }) => value !== "").sort((a, b) => a.name < b.name ? -1 : 1);
      const kept = sorted.filter(({ name }) => name !== "instance");
      const key = JSON.stringify(kept);
      assert.equal(tree.find(given), map.get(key));
      const { removed } = tree;
      assert.equal(removed !== "", sorted.length > kept.length);
      tree.find(given.toReversed());
      assert.equal(tree.removed, removed);
      if (isAdded) {
        tree.set(kept, step);
        map.set(key, step);
      } else {
        tree.delete(kept);
        map.delete(key);
      }
    });
    for (const [given] of steps) {
      const kept = given.filter(({ name, value }) => name !== "instance" && value !== "").sort((a, b) =>
        a.name < b.name ? -1 : 1
      );
      assert.equal(tree.find(given), map.get(JSON.stringify(kept)));
    }
  }));
});

test("by names the labels that remain; the name and le always remain", () => {
  const isRemoved = isRemovedBy({ by: ["job"] });
  assert.deepEqual(["job", "__name__", "le", "instance", "x"].map(isRemoved), [false, false, false, true, true]);
});

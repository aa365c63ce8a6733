import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../src/client/nearest_name.ts";

test("a slip finds what was meant, and another word nothing", () => {
  const names = ["url", "mapping", "max-series", "max-buckets"];
  assert.equal(nearestName("maping", names), "mapping");
  assert.equal(nearestName("max-serie", names), "max-series");
  assert.equal(nearestName("urll", names), "url");
  assert.equal(nearestName("recieve", ["send", "receive"]), "receive");
  assert.equal(nearestName("colour", names), undefined);
  assert.equal(nearestName("banana", ["send", "receive"]), undefined);
});

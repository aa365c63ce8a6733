import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../src/model/nearest_name.ts";

test("a name with a typing error has a nearest name, and another word has none", () => {
  const names = ["url", "mapping", "max-series", "max-buckets"];
  assert.equal(nearestName("maping", names), "mapping");
  assert.equal(nearestName("max-serie", names), "max-series");
  assert.equal(nearestName("urll", names), "url");
  assert.equal(nearestName("recieve", ["send", "receive"]), "receive");
  assert.equal(nearestName("colour", names), undefined);
  assert.equal(nearestName("banana", ["send", "receive"]), undefined);
});

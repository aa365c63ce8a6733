import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch } from "../../src/protocol/batch.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { createSharedCodecs } from "../../src/send/create_delivery.ts";

test("endpoints that share encoders encode a slice once, and keep nothing when the last of them has it", () => {
  const codec = createSharedCodecs("underscores", 3)["2.0"];
  const batch = new Batch();
  batch.push(encodeSeries([{ name: "__name__", value: "up" }], { type: "gauge" }), 1, 1_700_000_000_000);
  const slice = { batch, from: 0, to: 1 };
  const [first, second, third, fourth] = [1, 2, 3, 4].map(() => codec.encode(slice));
  assert.equal(second, first);
  assert.equal(third, first);
  assert.notEqual(fourth, first);
  assert.deepEqual(fourth, first);
});

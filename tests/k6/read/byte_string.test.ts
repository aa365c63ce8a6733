import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteString, hashOf } from "../../../src/k6/read/byte_string.ts";

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const string = fc.string({ unit: "grapheme", maxLength: 40 }).map((characters) => characters.replaceAll("\0", ""));

test("a string is found at the places of its bytes, and only there", () => {
  fc.assert(
    fc.property(
      string,
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      (characters, before, after) => {
        const bytes = new TextEncoder().encode(characters);
        const all = Uint8Array.of(...before, ...bytes, ...after);
        const found = new ByteString(bytes);
        for (let from = 0; from <= all.length; from++) {
          const stands = from + bytes.length <= all.length && bytes.every((byte, index) => all[from + index] === byte);
          assert.equal(found.isAt(viewOf(all), from), stands);
        }
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test("a change of any bit is detected", () => {
  const bytes = new TextEncoder().encode('{"group":"","url":"https://例え.jp/?q=😀"}');
  const found = new ByteString(bytes.slice());
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(found.isAt(viewOf(changed), 0), false, `bit ${bit}`);
  }
  assert.equal(found.isAt(viewOf(bytes), 0), true);
});

test("equal bytes have the same hash at any place", () => {
  const bytes = new TextEncoder().encode("http_req_duration");
  const elsewhere = Uint8Array.of(1, 2, 3, ...bytes, 4);
  assert.equal(hashOf(viewOf(elsewhere), 3, 3 + bytes.length), hashOf(viewOf(bytes), 0, bytes.length));
  assert.notEqual(hashOf(viewOf(elsewhere), 2, 2 + bytes.length), hashOf(viewOf(bytes), 0, bytes.length));
});

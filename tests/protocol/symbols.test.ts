import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { Symbols } from "../../src/protocol/symbols.ts";

/** Writes a table with strings. Returns the strings that it holds, and their references. */
function table(symbols: Symbols, texts: readonly string[]): { strings: readonly string[]; refs: readonly number[] } {
  const buffer = new ByteBuffer(1);
  const refs = new ByteBuffer(1);
  symbols.begin(buffer);
  symbols.writeRefs(texts.map((text) => symbols.numberOf(text)), refs);
  return { strings: fromBinary(RequestSchema, buffer.written()).symbols, refs: Array.from(refs.written()) };
}

test("a table holds the strings that are referred to, once, and no others", () => {
  const symbols = new Symbols();
  assert.deepEqual(table(symbols, ["a", "b", "a"]), { strings: ["", "a", "b"], refs: [1, 2, 1] });
  assert.deepEqual(table(symbols, ["c", "b", "c"]), { strings: ["", "c", "b"], refs: [1, 2, 1] });
  assert.deepEqual(table(symbols, []), { strings: [""], refs: [] });
});

test("tables stay correct when the count of places starts again", () => {
  const symbols = new Symbols(10);
  for (let round = 0; round < 20; round++) {
    const texts = ["a", `only ${round}`, "b"];
    assert.deepEqual(table(symbols, texts), { strings: ["", ...texts], refs: [1, 2, 3] });
  }
});

test("a transient string is in the table of its request, and not in the next one", () => {
  const symbols = new Symbols();
  const buffer = new ByteBuffer();
  symbols.begin(buffer);
  const known = symbols.ref(symbols.numberOf("trace_id"));
  assert.deepEqual(
    ["trace_id", "4bf9", "4bf9", "00f0"].map((text) => symbols.refOfTransient(text)),
    [known, known + 1, known + 1, known + 2],
  );
  assert.deepEqual(fromBinary(RequestSchema, buffer.written()).symbols, ["", "trace_id", "4bf9", "00f0"]);
  assert.deepEqual(table(symbols, ["trace_id"]).strings, ["", "trace_id"]);
});

test("a reference beyond 127 takes two bytes", () => {
  const { refs } = table(new Symbols(), Array.from({ length: 128 }, (_, index) => `s${index}`));
  assert.deepEqual(refs.slice(-3), [127, 0x80, 0x01]);
});

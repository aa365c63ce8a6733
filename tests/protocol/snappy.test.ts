import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { fromBinary } from "@bufbuild/protobuf";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { FormatError, TooLargeError } from "../../src/model/errors.ts";
import { compress, decompress, setSnappyModule } from "../../src/protocol/snappy.ts";
import { recordedRequests } from "../support/recorded_run.ts";

const maxDecodedBytes = 1 << 20;
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

/** Blocks that were written by hand from the description of the format. */
const blocks: readonly [title: string, block: number[], text: string][] = [
  ["nothing", [0x00], ""],
  ["a literal", [0x03, 0x08, ...ascii("abc")], "abc"],
  ["a copy with an offset of 11 bits", [0x08, 0x00, ...ascii("a"), 0x0d, 0x01], "aaaaaaaa"],
  ["a copy with an offset of two bytes", [0x06, 0x08, ...ascii("abc"), 0x0a, 0x03, 0x00], "abcabc"],
  ["a literal whose length takes a byte", [0x3d, 0xf0, 0x3c, ...ascii("x".repeat(61))], "x".repeat(61)],
];

for (const [title, block, text] of blocks) {
  test(`snappy decompresses ${title}`, () => {
    assert.equal(new TextDecoder().decode(decompress(Uint8Array.from(block), { maxDecodedBytes })), text);
  });
}

test("snappy decompresses what k6 sent", () => {
  const [{ body } = { body: new Uint8Array() }] = recordedRequests("basic");
  const request = fromBinary(WriteRequestSchema, decompress(body, { maxDecodedBytes }));
  assert.equal(request.timeseries[0]?.labels[0]?.name, "__name__");
});

test("snappy compresses to a block that decompresses to the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat({ max: 200 }), (bytes, repeats) => {
      const long = new Uint8Array(bytes.length * repeats).map((_, index) => bytes[index % bytes.length] ?? 0);
      assert.deepEqual(decompress(compress(long), { maxDecodedBytes: 1e6 }), long);
    }),
    { seed: 1, numRuns: 200 },
  );
});

/** The start of a block of up to 256 bytes, from the description of the format. */
const literals: readonly [length: number, head: number[]][] = [
  [1, [0x01, 0xfc, 0x00, 0, 0, 0]],
  [60, [0x3c, 0xfc, 0x3b, 0, 0, 0]],
  [127, [0x7f, 0xfc, 0x7e, 0, 0, 0]],
  [128, [0x80, 0x01, 0xfc, 0x7f, 0, 0, 0]],
  [256, [0x80, 0x02, 0xfc, 0xff, 0, 0, 0]],
];

for (const [length, head] of literals) {
  test(`snappy compresses ${length} bytes to one literal`, () => {
    const bytes = new Uint8Array(length).fill(0x78);
    const block = compress(bytes);
    assert.deepEqual([...block], [...head, ...bytes]);
    assert.deepEqual(decompress(block, { maxDecodedBytes }), bytes);
  });
}

test("snappy compresses more than 256 bytes with WebAssembly", () => {
  assert.ok(compress(new Uint8Array(257)).length < 30);
});

test("snappy compresses nothing to a block of one byte", () => {
  assert.deepEqual(compress(new Uint8Array()), Uint8Array.of(0));
});

test("snappy rejects an argument that is not a Uint8Array, which the module would compress to nothing", () => {
  const buffer: unknown = new ArrayBuffer(8);
  assert.throws(() => compress(buffer as Uint8Array), { name: "TypeError", message: /\[object ArrayBuffer\]/ });
});

test("snappy accepts a block that decodes to the limit, and rejects one byte more", () => {
  const block = Uint8Array.of(0x08, 0x00, 0x61, 0x0d, 0x01);
  assert.equal(decompress(block, { maxDecodedBytes: 8 }).length, 8);
  assert.throws(
    () => decompress(block, { maxDecodedBytes: 7 }),
    (error) =>
      error instanceof TooLargeError && error.name === "FormatError" &&
      error.message === "Cannot decompress the body: its declared length is 8 bytes, expected at most 7",
  );
});

const malformed: readonly [title: string, block: number[], reason: RegExp][] = [
  ["an empty body", [], /cut off after 0 bytes/],
  ["a length that is cut off", [0x80, 0x80], /cut off after 2 bytes/],
  ["a length over 32 bits", [0x80, 0x80, 0x80, 0x80, 0x10, 0x00], /over 32 bits/],
  ["a length of six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], /over 32 bits/],
  // A copy element of three bytes makes at most 64 bytes, so no block can grow 200 times.
  ["a length that is impossible for so few bytes", [0xe8, 0x07, 0x00, 0x61, 0x0d], /declared length is 1000 bytes/],
  ["a literal that is cut off", [0x03, 0x08, 0x61], /3 bytes/],
  ["a copy from before the start", [0x08, 0x00, 0x61, 0x0d, 0x02], /offset/],
  ["a copy with the offset 0", [0x08, 0x00, 0x61, 0x0d, 0x00], /offset/],
  ["more than the length says", [0x02, 0x08, ...ascii("abc")], /5 bytes/],
  ["less than the length says", [0x04, 0x08, ...ascii("abc")], /5 bytes/],
  ["the framed format", [0xff, 0x06, 0x00, 0x00, ...ascii("sNaPpY"), 0x01, 0x08, 0x00, 0x00], /framed format/],
  ["gzip", [0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00], /./],
];

for (const [title, block, reason] of malformed) {
  test(`snappy rejects ${title}`, () => {
    const run = (): Uint8Array => decompress(Uint8Array.from(block), { maxDecodedBytes });
    assert.throws(
      run,
      (error) => error instanceof FormatError && !(error instanceof TooLargeError) && reason.test(error.message),
    );
  });
}

const wasm = new Uint8Array(readFileSync("gen/snappy/snappy_bg.wasm"));
const block = Uint8Array.of(0x03, 0x08, ...ascii("abc"));

test("snappy uses a module that was set as bytes or compiled", () => {
  for (const module of [wasm, new WebAssembly.Module(wasm)]) {
    setSnappyModule(module);
    assert.deepEqual(decompress(block, { maxDecodedBytes }), Uint8Array.from(ascii("abc")));
  }
  setSnappyModule(Uint8Array.of(0));
  assert.throws(() => decompress(block, { maxDecodedBytes }), WebAssembly.CompileError);
  setSnappyModule(wasm);
});

test("snappy uses a compiled module of another realm, which has another prototype", () => {
  const module = new WebAssembly.Module(wasm);
  Object.setPrototypeOf(module, { [Symbol.toStringTag]: "WebAssembly.Module" });
  assert.ok(!(module instanceof WebAssembly.Module));
  setSnappyModule(module);
  assert.deepEqual(decompress(block, { maxDecodedBytes }), Uint8Array.from(ascii("abc")));
  setSnappyModule(wasm);
});

test("snappy creates a new instance after a trap", () => {
  // The memory of the module cannot grow by 2 GiB. A block of 100 MB may declare such a length.
  const huge = new Uint8Array(100e6);
  huge.set([0x80, 0x80, 0x80, 0x80, 0x08]);
  const Instance = WebAssembly.Instance;
  let instances = 0;
  setSnappyModule(wasm);
  WebAssembly.Instance = class extends Instance {
    constructor(...args: ConstructorParameters<typeof Instance>) {
      super(...args);
      instances++;
    }
  };
  try {
    assert.throws(() => decompress(huge, { maxDecodedBytes: 2 ** 32 }), { name: "FormatError" });
    assert.equal(instances, 1);
    assert.equal(decompress(block, { maxDecodedBytes }).length, 3);
    assert.equal(decompress(block, { maxDecodedBytes }).length, 3);
    assert.equal(instances, 2);
  } finally {
    WebAssembly.Instance = Instance;
  }
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { md5 } from "../../../src/k6/relabel/relabel_md5.ts";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const digest = (text: string): string => hex(md5(new TextEncoder().encode(text)));

test("MD5 gives the digests of RFC 1321, appendix A.5", () => {
  const suite: readonly (readonly [string, string])[] = [
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
    ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"],
    ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
  ];
  for (const [text, expected] of suite) assert.equal(digest(text), expected, JSON.stringify(text));
});

test("MD5 agrees with node:crypto at every length around the block boundaries", () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 0xff);
    assert.equal(hex(md5(message)), createHash("md5").update(message).digest("hex"), `length ${length}`);
  }
});

test("MD5 does not change the message", () => {
  const message = Uint8Array.of(1, 2, 3);
  md5(message);
  assert.deepEqual(message, Uint8Array.of(1, 2, 3));
});

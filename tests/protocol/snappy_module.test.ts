// Runs on the newest Node, too: WebAssembly.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import inline from "#snappy-wasm";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("both copies of the module are equal to the package's, because the glue must match it", () => {
  const ofPackage = sha256(readFileSync("node_modules/snappy-wasm/es/snappy_bg.wasm"));
  assert.equal(sha256(readFileSync("gen/snappy/snappy_bg.wasm")), ofPackage);
  const bytes = inline();
  assert.ok(bytes instanceof Uint8Array);
  assert.equal(sha256(bytes), ofPackage);
});

test("the version of the dependency is exact, because the glue must match the module", () => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const { version } = JSON.parse(readFileSync("node_modules/snappy-wasm/package.json", "utf8"));
  assert.equal(dependencies["snappy-wasm"], version);
});

test("each generated file names the module that it was made from", () => {
  const ofPackage = sha256(readFileSync("node_modules/snappy-wasm/es/snappy_bg.wasm"));
  for (const name of ["inline.js", "inline.d.ts", "compiled.js", "compiled.d.ts"]) {
    assert.ok(readFileSync(`gen/snappy/${name}`, "utf8").includes(ofPackage), name);
  }
});

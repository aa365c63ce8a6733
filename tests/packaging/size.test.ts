import assert from "node:assert/strict";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

interface Size {
  readonly name: string;
  /** Gzipped bytes of script and WebAssembly. */
  readonly edge: number;
  /** What each source file takes. */
  readonly parts: readonly { readonly path: string }[];
}

const script: { measureSizes(): Promise<Size[]> } = await import(pathToFileURL("scripts/size.mjs").href);

/** In bytes, minified and gzipped, with the WebAssembly; a little above what it is now, so that growth is a decision. */
const budgets: Readonly<Record<string, number>> = {
  RemoteWriteClient: 38_000,
  pushOnce: 37_000,
  // A third of the script is relabelling, the forms of trends and thresholds.
  RemoteWriteOutput: 55_000,
  createReceiver: 26_000,
  // A free Worker may have fifty times as much; a page should not.
  "*": 81_000,
};

let sizes: readonly Size[];
before(async () => {
  sizes = await script.measureSizes();
});

test("no use of the library is larger than its budget", () => {
  assert.deepEqual(sizes.map(({ name }) => name).sort(), Object.keys(budgets).sort());
  for (const { name, edge } of sizes) {
    const budget = budgets[name] ?? 0;
    assert.ok(edge > 10_000 && edge <= budget, `${name} takes ${edge} bytes, expected at most ${budget}`);
  }
});

test("a bundle holds only what is used", () => {
  const pathsOf = (name: string): string[] =>
    sizes.find((size) => size.name === name)?.parts.map(({ path }) => path) ?? [];
  const found = (name: string, part: string): boolean => pathsOf(name).some((path) => path.includes(part));
  assert.ok(
    found("RemoteWriteOutput", "src/k6/output/remote_write_output.ts") &&
      found("createReceiver", "src/receive/create_receiver.ts"),
  );
  for (const name of Object.keys(budgets)) assert.ok(!found(name, "@bufbuild/"), `${name} holds the generated types`);
  for (const part of ["src/send/", "src/sources/", "aws4fetch"]) assert.ok(!found("createReceiver", part), part);
  for (const part of ["src/receive", "src/sources/", "src/config/option_definitions.ts"]) {
    assert.ok(!found("RemoteWriteOutput", part), part);
    assert.ok(!found("RemoteWriteClient", part), part);
  }
  assert.ok(!found("RemoteWriteClient", "src/send/write_queue.ts"));
});

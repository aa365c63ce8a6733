// The two lists of all pages, docs/README.md for people and llms.txt for programs, and the size of the README.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { docsPages } from "../support/pages.ts";

/** Returns the files to which the list items of a file lead, without other links. */
function listed(file: string): string[] {
  const items = readFileSync(file, "utf8").split(/^(?=- |#)/m).filter((part) => part.startsWith("- ["));
  return items.flatMap((item) => [...item.matchAll(/\]\(([^)#:]+)\)/g)])
    .map(([, path = ""]) => posix.join(posix.dirname(file), path)).sort();
}

test("docs/README.md lists every page once", () => {
  const pages = docsPages.filter((page) => page !== "docs/README.md" && !page.startsWith("docs/options/"));
  const inIndex = listed("docs/README.md");
  assert.deepEqual(pages.filter((page) => !inIndex.includes(page)), []);
  assert.equal(new Set(inIndex).size, inIndex.length, inIndex.join(", "));
});

test("llms.txt lists the same pages, after a title and a summary", () => {
  assert.match(readFileSync("llms.txt", "utf8"), /^# k6-remote-write\n\n> Sends .*\n/);
  assert.deepEqual(listed("llms.txt"), listed("docs/README.md"));
});

test("the README has at most 12 kB", () => {
  assert.ok(statSync("README.md").size <= 12_000, `README.md has ${statSync("README.md").size} bytes`);
});

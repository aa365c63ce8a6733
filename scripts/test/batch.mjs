// Batches: several test files that run in one process, which starts once and loads the library once.
import { mkdirSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { root, runCollect } from "../setup.mjs";

/** Writes a module that imports these test files, relative to build/batches/, and returns its path. */
export function writeBatch(name, imports, extension) {
  const path = `build/batches/${name}.test.${extension}`;
  mkdirSync(`${root}/build/batches`, { recursive: true });
  writeFileSync(`${root}/${path}`, imports.map((file) => `import "${file}";\n`).join(""));
  return path;
}

/** Runs a test runner, and counts with two expressions that find the numbers in its output. */
export async function runCounted(program, args, { env, passed, failed }) {
  const { status, output } = await runCollect(program, args, { env });
  return { status, output, passed: last(output, passed), failed: last(output, failed) };
}

/** Returns the number that an expression finds last in a runner's output, or 0. */
function last(output, expression) {
  return Number([...stripVTControlCharacters(output).matchAll(expression)].at(-1)?.[1] ?? 0);
}

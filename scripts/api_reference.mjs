// `node scripts/api_reference.mjs FOLDER`: writes the API reference as web pages, with a page for each entry of deno.json.
//
// Deno reads copies of the sources, in a folder with the imported packages only. In the project's folder it also reads
// node_modules/@types/node, and prints a warning about each reference in it.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { programs, root } from "./setup.mjs";

const [, , folder] = process.argv;
if (folder === undefined) {
  console.error("Usage: node scripts/api_reference.mjs FOLDER");
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), "k6-remote-write-api-"));
try {
  for (const path of ["deno.json", "package.json", "mod.ts", "src", "gen"]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  const { name, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const dependency of Object.keys(dependencies)) {
    const link = join(copy, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", dependency), link, "junction");
  }
  const entries = Object.values(JSON.parse(readFileSync(join(root, "deno.json"), "utf8")).exports);
  const args = ["doc", "--html", `--name=${name}`, `--output=${resolve(folder)}`, ...entries];
  process.exitCode = spawnSync(programs.deno, args, { cwd: copy, stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

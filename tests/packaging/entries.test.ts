import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";

interface Conditions {
  readonly types: string;
  readonly default: string;
}

const npm = JSON.parse(readFileSync("package.json", "utf8"));
const jsr = JSON.parse(readFileSync("deno.json", "utf8"));
const npmEntries: readonly (readonly [string, Conditions])[] = Object.entries<Conditions>(npm.exports);
/** The entries with their source files. */
const entries: readonly (readonly [string, string])[] = Object.entries<string>(jsr.exports);

let project: InstalledPackage;
before(async () => {
  project = await installPackage();
});
after(() => project.remove());

test("JSR and npm have the same entries, version and licence", () => {
  const sources = npmEntries.map(([entry, { types, default: module }]) => {
    assert.equal(types, module.replace(/\.js$/, ".d.ts"));
    return [entry, module.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts")];
  });
  assert.deepEqual(Object.fromEntries(sources), jsr.exports);
  assert.equal(npm.version, jsr.version);
  assert.equal(npm.license, jsr.license);
  assert.match(readFileSync("src/model/version.ts", "utf8"), new RegExp(`"${npm.version.replaceAll(".", "\\.")}"`));
});

test("for tools that do not read exports, package.json repeats the entries in main, types and typesVersions", () => {
  const { ".": main, ...others } = npm.exports;
  assert.deepEqual([npm.main, npm.types], [main.default, main.types]);
  const types = Object.entries<Conditions>(others).map(([entry, conditions]) => [entry.slice(2), [conditions.types]]);
  assert.deepEqual(npm.typesVersions, { "*": Object.fromEntries(types) });
});

// Each entry alone: a program that imports one entry must find all types of its signatures there.
for (const [entry, source] of entries) {
  test(`deno doc --lint has nothing to report about ${entry}`, async () => {
    const { status, output } = await runChild([programs.deno, "doc", "--lint", source]);
    // The output also contains warnings about the types of Node.
    assert.deepEqual(output.split("\n").filter((line) => /^(error| {2}-->)/.test(line)), []);
    assert.equal(status, 0, output);
  });
}

test("the main entry has about 45 names, and the types of their signatures", () => {
  const names = new Set(
    [...readFileSync("mod.ts", "utf8").matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = ""]) =>
      list.split(",").map((name) => name.trim()).filter((name) => name !== "")
    ),
  );
  assert.ok(names.size <= 71, `${names.size} names: ${[...names].join(", ")}`);
});

/** Returns the TypeScript examples of the module documentation, without the comment's asterisks. */
function examplesOf(source: string): string[] {
  const comments = readFileSync(source, "utf8").match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  const documentation = comments.find((comment) => /^ \* @module$/m.test(comment));
  assert.ok(documentation !== undefined, `${source} has no comment with @module`);
  const lines = documentation.replaceAll(/^ \* ?/gm, "");
  return [...lines.matchAll(/^@example.*\n+```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
}

test("the example of each entry runs as its documentation shows it, and its types are right", async () => {
  const receiver = await startReceiver();
  const site = createServer((_, response) => response.end("ok"));
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const { port } = site.address() as AddressInfo;
  try {
    const files = entries.flatMap(([entry, source]) => {
      const examples = examplesOf(source);
      assert.ok(examples.length > 0, `${source} has no @example`);
      return examples.map((code, index) => {
        assert.ok(code.includes(`"${entry.replace(".", "k6-remote-write")}"`), `the example does not import ${entry}`);
        const file = `${entry.replaceAll(/\W/g, "_")}_${index}.ts`;
        const local = code.replaceAll("http://localhost:9090/api/v1/write", receiver.url)
          .replaceAll("http://localhost:8080/", `http://127.0.0.1:${port}/`);
        // An example is a module, even if it only imports dynamically.
        project.write(file, `${local}export {};\n`);
        return file;
      });
    });
    const roots = ["--types", "node", "--typeRoots", `${process.cwd()}/node_modules/@types`];
    const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", "--lib", "esnext,dom"];
    const checked = await runChild([programs.tsc, ...strict, ...roots, ...files], { cwd: project.folder });
    assert.equal(checked.status, 0, checked.output);
    // One process runs all of them: to start one costs more than most examples. The command ends the process.
    const isCommand = (file: string): boolean => file.startsWith("__cli_");
    const order = [...files.filter((file) => !isCommand(file)), ...files.filter(isCommand)];
    const all = order.map((file) => `console.log("#${file}");\nawait import("./${file}");\n`).join("");
    project.write("all_examples.ts", all);
    const deno = [programs.deno, "run", "-A", "--no-check", "--node-modules-dir=manual", "all_examples.ts"];
    const { status, output } = await runChild(deno, { cwd: project.folder });
    assert.equal(status, 0, output);
    assert.deepEqual(output.match(/^#\w+\.ts$/gm)?.map((line) => line.slice(1)), order);
  } finally {
    await receiver.close();
    site.close();
    site.closeAllConnections();
  }
});

/** Returns the text of a web page. */
function textOf(page: string): string {
  const entities: Readonly<Record<string, string>> = { quot: '"', "#39": "'", "#x27": "'", lt: "<", gt: ">", amp: "&" };
  return readFileSync(page, "utf8").replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&([#\w]+);/g, (entity, name) => entities[name] ?? entity);
}

test("the API reference is built without a warning, and has a page with the example of each entry", () =>
  withFolder(async (folder) => {
    const { status, output } = await runChild([programs.node, "scripts/api_reference.mjs", folder]);
    assert.equal(status, 0, output);
    assert.match(output, /^Written \d+ files to "[^"]+"\n$/);
    for (const [entry, source] of entries) {
      const text = textOf(join(folder, entry, "index.html"));
      for (const code of examplesOf(source)) assert.ok(text.includes(code.trim()), `${entry} without:\n${code}`);
    }
  }));

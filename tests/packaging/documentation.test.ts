// What holds for all pages: links lead somewhere, pages are short, and the commands in them are accepted. examples.test.ts runs the
// programs in them, promql.test.ts the queries, and troubleshooting.test.ts produces the messages.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { readLocalRun } from "../../src/cli/cloud_run.ts";
import { explainMisspeltFlag } from "../../src/cli/misspelt_flag.ts";
import { run } from "../../src/cli/run.ts";
import { anchorsOf, type CodeBlock, codeBlocksOf, docsPages, proseOf } from "../support/pages.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** All pages, those for maintainers included. */
const pages = [...readdirSync(".").filter((name) => name.endsWith(".md")), ...docsPages];

test("every relative link in a page leads to a file, and to a heading in it", () => {
  const problems: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const [, target = ""] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      count++;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(file)) problems.push(`${page}: there is no ${file}`);
      else if (anchor !== undefined && !anchorsOf(file).has(anchor)) {
        problems.push(`${page}: there is no heading for ${target}`);
      }
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(count > 50, `only ${count} links were found`);
});

test("a page in docs/ has less than 8000 bytes", () => {
  const problems = docsPages.filter((page) => statSync(page).size >= 8000);
  assert.deepEqual(problems, []);
});

test("the JSON in a page is valid", () => {
  for (const { page, line, code } of docsPages.flatMap(codeBlocksOf).filter(({ language }) => language === "json")) {
    assert.doesNotThrow(() => JSON.parse(code), `${page}:${line}`);
  }
});

/** Pages about making programs. Tests of their own run their commands. */
const withoutCommand: readonly string[] = ["docs/deno.md", "docs/standalone.md"];

/** A program that records its arguments: their number, and then each, ended by zeros. */
const recorder = `#!/bin/sh
printf '%s\\0' "$#" "$@" >> "$RECORD"
`;

/** npx starts the command. Everything else that it could start is left out. */
const npx = `#!/bin/sh
[ "$1" = k6-remote-write ] && shift && exec k6-remote-write "$@"
exit 0
`;

/** Runs a block in a shell in which only the command exists, which records its arguments. Returns its command lines. */
function commandLinesOf({ code }: CodeBlock, folder: string): string[][] {
  const programs = join(folder, "programs");
  mkdirSync(programs, { recursive: true });
  for (const [name, text] of [["k6-remote-write", recorder], ["npx", npx]] as const) {
    writeFileSync(join(programs, name), text);
    chmodSync(join(programs, name), 0o755);
  }
  const record = join(folder, "record");
  writeFileSync(record, "");
  // Each other program does nothing, and reads what is written to it.
  const others = "command_not_found_handle() { while read -r _; do :; done < /dev/stdin; return 0; }\n";
  // A script in a page gets arguments like those of k6.
  const args = ["-c", `${others}${code}`, "sh", "run", "script.js"];
  const env = { PATH: programs, RECORD: record };
  const { status, stderr, error } = spawnSync("/bin/bash", args, { cwd: folder, env, encoding: "utf8", input: "" });
  assert.ok(error === undefined && status !== 2 && !/syntax error/.test(stderr), `${code}${stderr}${error}`);
  const words = readFileSync(record, "utf8").split("\0").slice(0, -1);
  const found: string[][] = [];
  while (words.length > 0) found.push(words.splice(0, Number(words.shift())));
  return found;
}

/** Returns why the command does not accept a command line; undefined if it does. */
function problemOf(args: readonly string[]): string | undefined {
  try {
    const { command, given } = readCommandLine(args);
    // k6 gets the flags that the command does not know.
    if (command === run) {
      return explainMisspeltFlag(readLocalRun(given?.operands ?? []).args, [...run.flags, ...run.options]);
    }
  } catch (error) {
    return String(error);
  }
}

const skip = existsSync("/bin/bash") ? false : "there is no /bin/bash on this machine";

test(
  "the command accepts each command line in a page; a block without one says why no test runs it",
  { skip },
  () =>
    withFolder((folder) => {
      const problems: string[] = [];
      let count = 0;
      for (const page of ["README.md", ...docsPages]) {
        for (const block of codeBlocksOf(page)) {
          if (block.language !== "sh" || block.notRun !== undefined) continue;
          const commandLines = commandLinesOf(block, folder);
          if (commandLines.length === 0 && ![...withoutCommand, "README.md"].includes(page)) {
            problems.push(`${page}:${block.line} has no command k6-remote-write, and no <!-- not run: REASON -->`);
          }
          for (const args of commandLines) {
            count++;
            const problem = problemOf(args);
            if (problem !== undefined) problems.push(`${page}:${block.line}: ${args.join(" ")}\n    ${problem}`);
          }
        }
      }
      assert.deepEqual(problems, []);
      assert.ok(count > 60, `only ${count} command lines were found`);
    }),
);

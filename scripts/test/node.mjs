// The suite on Node, compiled: on the one that is here, and on the newest line, which npm's package of that name brings.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { programs, root, runTee } from "../setup.mjs";
import { last } from "./last.mjs";

const newestVersion = "26.10.0";
const packaged = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

async function run(program, tests) {
  const compiled = tests.map((path) => `build/${path.replace(/\.ts$/, ".js")}`);
  const { status, output } = await runTee(program, [
    "--test",
    // Many tests wait for processes; by default, one core is left free.
    "--test-concurrency=2",
    "--test-timeout=120000",
    "--test-reporter=spec",
    ...compiled,
  ]);
  return { status, passed: last(output, /^ℹ pass (\d+)$/gm), failed: last(output, /^ℹ fail (\d+)$/gm) };
}

/** Fetches the newest Node once, to a folder from which nothing else would start it. Undefined if there is none for here. */
function fetchNewest() {
  const platform = `${process.platform}-${process.arch}`;
  if (!packaged.includes(platform)) return undefined;
  const cache = `${root}/node_modules/.cache`;
  const program = `${cache}/node-${newestVersion}/bin/node`;
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}/fetch-`);
  const steps = [
    ["npm", ["pack", `node-${platform}@${newestVersion}`, "--loglevel=error"]],
    ["tar", ["-xzf", `node-${platform}-${newestVersion}.tgz`, "package/bin/node"]],
  ];
  const fetched = steps.every(([command, args]) =>
    spawnSync(command, args, { cwd: folder, timeout: 300_000 }).status === 0
  );
  if (fetched && !existsSync(program)) renameSync(`${folder}/package`, `${cache}/node-${newestVersion}`);
  rmSync(folder, { recursive: true, force: true });
  return fetched ? program : undefined;
}

export const node = { name: `Node ${process.versions.node}`, find: () => programs.node, run };
export const newestNode = { name: `Node ${newestVersion}`, find: fetchNewest, run };

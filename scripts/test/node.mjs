// The suite on Node: on the installed version, and on the newest one, which npm's package "node" contains.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { programs, root } from "../setup.mjs";
import { runFiles } from "./server.mjs";

const newestVersion = "26.10.0";
const packaged = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

const run = (program, files, options) => runFiles([program], files, options);

/**
 * Downloads a version of Node once, into the cache, and returns its path. Returns undefined if there is none for this platform or
 * the download fails.
 */
export function fetchNode(version) {
  const platform = `${process.platform}-${process.arch}`;
  if (!packaged.includes(platform)) return undefined;
  const cache = `${root}/node_modules/.cache`;
  const program = `${cache}/node-${version}/bin/node`;
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}/fetch-`);
  const steps = [
    ["npm", ["pack", `node-${platform}@${version}`, "--loglevel=error"]],
    ["tar", ["-xzf", `node-${platform}-${version}.tgz`, "package/bin/node"]],
  ];
  const fetched = steps.every(([command, args]) =>
    spawnSync(command, args, { cwd: folder, timeout: 300_000 }).status === 0
  );
  if (fetched && !existsSync(program)) renameSync(`${folder}/package`, `${cache}/node-${version}`);
  rmSync(folder, { recursive: true, force: true });
  return fetched ? program : undefined;
}

export const node = { name: `Node ${process.versions.node}`, batchSize: 24, find: () => programs.node, run };

/**
 * Its V8 is the one of Deno, Chromium and workerd, so only what Node itself does can differ: the tests of signals, streams, TLS,
 * files and fetch, which say so in their first line.
 */
function runtimeDependent(tests) {
  const marker = "// Runs on the newest Node, too: ";
  const files = tests.filter((path) => readFileSync(`${root}/${path}`, "utf8").startsWith(marker));
  return { files, note: `${files.length} of ${tests.length} files, those that test what Node itself does` };
}

export const newestNode = {
  name: `Node ${newestVersion}`,
  batchSize: 24,
  find: () => fetchNode(newestVersion),
  select: runtimeDependent,
  run,
};

// The suite on Node: on the installed version, and on the newest one, which npm's package "node" contains.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { programs, root } from "../setup.mjs";
import { portableTests } from "./bundle.mjs";
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

export const node = { name: `Node ${process.versions.node}`, batchSize: 12, find: () => programs.node, run };

/** The portable tests run with the same engine, V8, in Deno, Chromium and workerd, and with the oldest one on the installed Node. */
async function runtimeDependent(tests) {
  const portable = new Set(await portableTests(tests));
  const files = tests.filter((path) => !portable.has(path));
  return { files, note: `${files.length} of ${tests.length} files, those that need more than web interfaces` };
}

export const newestNode = {
  name: `Node ${newestVersion}`,
  batchSize: 12,
  find: () => fetchNode(newestVersion),
  select: runtimeDependent,
  run,
};

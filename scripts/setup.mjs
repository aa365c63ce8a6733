// Shared by the other scripts: installs missing packages and knows where the tools are. Needs only Node 20.19 and npm.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const inRoot = (path) => `${root}/${path}`;
const firstOf = (paths) => paths.map(inRoot).find(existsSync);

/** The paths of the runtimes that npm installed. A path is undefined if there is no such program for this machine. */
export const programs = {
  // Under `npm`, the Node that runs npm.
  node: process.env.npm_node_execpath ?? process.execPath,
  get deno() {
    return firstOf([
      "node_modules/@deno/linux-x64-glibc/deno",
      "node_modules/@deno/linux-arm64-glibc/deno",
      "node_modules/@deno/darwin-arm64/deno",
      "node_modules/@deno/darwin-x64/deno",
      "node_modules/deno/deno",
    ]);
  },
  // Without its install script, the package contains only a small placeholder.
  get bun() {
    return ["node_modules/bun/bin/bun.exe", "node_modules/@oven/bun-linux-x64/bin/bun"].map(inRoot)
      .find((path) => existsSync(path) && statSync(path).size > 1_000_000);
  },
  get workerd() {
    return firstOf(["node_modules/@cloudflare/workerd-linux-64/bin/workerd", "node_modules/workerd/bin/workerd"]);
  },
  get chromium() {
    const { CHROMIUM_BIN } = process.env;
    const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    return CHROMIUM_BIN ?? known.find((path) => existsSync(path));
  },
  get tsc() {
    return inRoot("node_modules/.bin/tsc");
  },
};

/**
 * Installs the dependencies, unless those of this lock file are installed. A symbolic link instead of node_modules/ belongs to
 * another work tree, which installs it.
 */
export function install() {
  if (lstatSync(inRoot("node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const installed = inRoot("node_modules/.install-stamp");
  const lock = readFileSync(inRoot("package-lock.json"), "utf8");
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return;
  console.log("Installing dependencies ...");
  run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
  // npm may not have run install scripts, and Bun's script installs the program.
  if (programs.bun === undefined) run("npm", ["rebuild", "bun", "--loglevel=error"], { mayFail: true });
  writeFileSync(installed, lock);
}

/** Compiles the library and the command to dist/, and with `tests` also everything to build/. */
export function build({ tests = false } = {}) {
  run(programs.tsc, ["-p", "tsconfig.build.json"]);
  chmodSync(inRoot("dist/src/cli/main.js"), 0o755);
  widenDeclarations(inRoot("dist"));
  if (tests) run(programs.tsc, ["-p", "tsconfig.json"]);
}

/**
 * Replaces the types of arrays that only TypeScript 5.7 and later know by types that mean the same there and are also valid
 * before: slice() returns an array over an ArrayBuffer.
 */
function widenDeclarations(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const path = `${folder}/${name}`;
    const declarations = readFileSync(path, "utf8");
    const widened = declarations.replaceAll("Uint8Array<ArrayBuffer>", 'ReturnType<Uint8Array["slice"]>')
      .replaceAll("DataView<ArrayBuffer>", "DataView");
    if (widened !== declarations) writeFileSync(path, widened);
  }
}

/** Runs a program in the project's folder and waits for its end. Exits if the program fails. */
export function run(program, args, { mayFail = false } = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (status === 0 || mayFail) return;
  console.error(`${program} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`);
  process.exit(1);
}

/** A batch of tests that takes longer hangs. */
const limitMs = 10 * 60_000;

/** Runs a program and resolves with its status and its output, standard error included. */
export function runCollect(program, args, { env } = {}) {
  return new Promise((resolve) => {
    const stdio = ["ignore", "pipe", "pipe"];
    const child = spawn(program, args, { cwd: root, env, stdio, timeout: limitMs, killSignal: "SIGKILL" });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text);
    child.on("error", (error) => resolve({ status: 1, output: `${output}${error.message}` }));
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

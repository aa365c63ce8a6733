// `npm run binaries -- RECIPE [--target NAME] [--out FOLDER]`: makes a form of the command that needs no installed package.
//   script   one file for Node 20.19 or newer, or Bun; the Dockerfile uses it
//   bun      a program with Bun inside; NAME is one of Bun's, such as bun-linux-arm64. npm provides the Bun of another platform
//   deno     a program with Deno inside; NAME is one of Deno's. Deno downloads a part of it from its own server
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { programs, root, run } from "./setup.mjs";
import { bundleCommand } from "./test/bundle.mjs";

const main = "src/cli/main.ts";

const recipes = {
  async script(folder, target) {
    if (target !== undefined) fail(`a script has no target, but --target is "${target}"`);
    const outfile = `${folder}/k6-remote-write.mjs`;
    await bundleCommand(outfile);
    chmodSync(outfile, 0o755);
    return outfile;
  },
  bun(folder, target) {
    const outfile = named(folder, "bun", target);
    // The command takes its options from its own files and from the environment, not from a .env or bunfig.toml that happens to
    // be in the working directory.
    const settings = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
    const small = ["--minify-syntax", "--minify-whitespace", "--bytecode", "--format=esm"];
    const platform = target === undefined ? [] : [`--target=${target}`];
    run(programs.bun, ["build", "--compile", ...settings, ...small, ...platform, main, "--outfile", outfile]);
    return outfile;
  },
  async deno(folder, target) {
    const outfile = named(folder, "deno", target);
    // Without a configuration, and from the one file, Deno does not embed all of node_modules.
    const settings = ["--allow-all", "--no-check", "--no-config"];
    const platform = target === undefined ? [] : ["--target", target];
    run(programs.deno, ["compile", ...settings, ...platform, "--output", outfile, await recipes.script(folder)]);
    return outfile;
  },
};

/** Returns the path of a program. The runtimes add `.exe` for Windows themselves. */
function named(folder, runtime, target = runtime) {
  return `${folder}/k6-remote-write-${target}`;
}

function fail(reason) {
  console.error(`Cannot make a binary: ${reason}`);
  process.exit(1);
}

const { values: { target, out }, positionals } = parseArgs({
  options: { target: { type: "string" }, out: { type: "string", default: `${root}/build/binaries` } },
  allowPositionals: true,
});
const [name = ""] = positionals;
const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
if (recipe === undefined) fail(`the recipe is "${name}", expected one of ${Object.keys(recipes).join(", ")}`);
if (name in programs && programs[name] === undefined) fail(`npm has installed no ${name} for this platform`);
const folder = resolve(out);
mkdirSync(folder, { recursive: true });
const path = await recipe(folder, target);
const size = [path, `${path}.exe`].map((file) => statSync(file, { throwIfNoEntry: false })?.size).find((size) =>
  size > 0
);
console.log(`${path} ${(size / 1e6).toFixed(1)} MB`);

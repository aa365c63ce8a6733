// Bundles the tests: all of them for Node, Deno and Bun, and those that need only the language and the web's interfaces for
// workerd and browsers.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { root } from "../setup.mjs";

const shim = (name) => fileURLToPath(new URL(`shim/${name}.mjs`, import.meta.url));
const alias = { "node:test": shim("test"), "node:assert/strict": shim("assert"), "node:timers": shim("timers") };

/** What `bundleSuite` bundled: the imports of each file. */
let inputs = {};

/** Chooses the portable tests, for a runtime without the modules of Node. */
export function selectPortable(tests) {
  const files = tests.filter((path) => isPortable(path));
  return { files, note: `${files.length} of ${tests.length} files, those that need no server runtime` };
}

/** Reports whether a test needs no module of Node, directly or indirectly, except those for which there is a shim. */
function isPortable(path, seen = new Set()) {
  // It reaches the modules of Node without an import.
  if (path === "src/cli/runtime.ts") return false;
  if (seen.has(path) || path.includes("node_modules/")) return true;
  seen.add(path);
  return inputs[path].imports.every((imported) =>
    imported.external ? !imported.path.startsWith("node:") || imported.path in alias : isPortable(imported.path, seen)
  );
}

/** Bundles the command to one small file, which starts twice as fast as its modules, and returns the path of the file. */
export async function bundleCommand(outfile = `${root}/build/command.mjs`) {
  await build({
    absWorkingDir: root,
    entryPoints: ["src/cli/main.ts"],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  return outfile;
}

/** The folder of the bundle that Node, Deno and Bun run. */
export const suiteFolder = `${root}/build/suite`;

/** Bundles files, each to a path of its own in the folder. They share what they import. `selectPortable` needs this. */
export async function bundleSuite(files) {
  const { devDependencies } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["scripts/test/run_files.mjs", ...files],
    outbase: ".",
    outdir: suiteFolder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // Node 20 does not know `await using`.
    target: "es2022",
    alias: { "node:test": alias["node:test"] },
    // Other packages for development are no ES modules, or need their own folder.
    external: Object.keys(devDependencies).filter((name) => name !== "fast-check"),
    ignoreAnnotations: true,
    metafile: true,
    logLevel: "error",
  });
  inputs = metafile.inputs;
}

/** Leaves `?module` imports to the runtime, as the build tools of edge runtimes do. */
const compiledWasm = {
  name: "compiled-wasm",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path: path.replace("?module", ""), external: true }));
  },
};

/** Bundles tests together with `main`, a module that imports `runTests` from "suite". */
export async function bundleTests(tests, { main, conditions, outfile }) {
  const suite = `${tests.map((path) => `import "./${path}";`).join("\n")}\nexport { runTests } from "node:test";`;
  await build({
    absWorkingDir: root,
    stdin: { contents: main, resolveDir: root },
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions,
    alias,
    // package.json declares no side effects, but the tests have some.
    ignoreAnnotations: true,
    logLevel: "error",
    plugins: [
      compiledWasm,
      {
        name: "suite",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^suite$/ }, () => ({ path: "suite", namespace: "suite" }));
          onLoad({ filter: /.*/, namespace: "suite" }, () => ({ contents: suite, resolveDir: root }));
        },
      },
    ],
  });
}

// Bundles the tests that need nothing but the language and the web's own interfaces, for workerd and for browsers.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { root } from "../setup.mjs";

const shim = (name) => fileURLToPath(new URL(`shim/${name}.mjs`, import.meta.url));
const alias = { "node:test": shim("test"), "node:assert/strict": shim("assert"), "node:timers": shim("timers") };

/** The tests that import nothing of Node, directly or not, for which there is no shim. */
export async function portableTests(tests) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: tests,
    outdir: "build",
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    packages: "external",
    external: ["node:*"],
    logLevel: "error",
  });
  const portable = (path, seen = new Set()) => {
    // It reaches Node's modules without importing them.
    if (path === "src/cli/runtime.ts") return false;
    if (seen.has(path)) return true;
    seen.add(path);
    return metafile.inputs[path].imports.every((imported) =>
      imported.external ? !imported.path.startsWith("node:") || imported.path in alias : portable(imported.path, seen)
    );
  };
  return tests.filter((path) => portable(path));
}

/** Leaves `?module` imports to the runtime, as its own build tools do. */
const compiledWasm = {
  name: "compiled-wasm",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path: path.replace("?module", ""), external: true }));
  },
};

/** Bundles tests and what runs them: `main` is a module that imports `runTests` from "suite". */
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
    // This package has no side effects, but its tests do.
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

// The portable tests in workerd, the runtime of Cloudflare Workers, which has no files, processes or code generation.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { programs, root, runCollect } from "../setup.mjs";
import { bundleTests, selectPortable } from "./bundle.mjs";
import { countPortable } from "./portable_result.mjs";

const main = `import { runTests } from "suite";
export default {
  async test() {
    console.log("RESULT " + JSON.stringify(await runTests()));
  },
};`;

const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "suite", worker = (
  modules = [
    (name = "suite.js", esModule = embed "suite.js"),
    (name = "snappy_bg.wasm", wasm = embed "snappy_bg.wasm"),
  ],
  compatibilityDate = "2026-11-01",
))]);
`;

export const workerd = {
  name: "workerd",
  isBundle: true,
  select: selectPortable,
  // One isolate for all tests needs too much memory.
  batchSize: 80,
  find: () => programs.workerd,
  async run(program, tests, { env, name }) {
    const folder = `${root}/build/${name}`;
    mkdirSync(folder, { recursive: true });
    await bundleTests(tests, { main, conditions: ["workerd", "worker"], outfile: `${folder}/suite.js` });
    copyFileSync(`${root}/gen/snappy/snappy_bg.wasm`, `${folder}/snappy_bg.wasm`);
    writeFileSync(`${folder}/config.capnp`, config);
    const { status, output } = await runCollect(program, ["test", `${folder}/config.capnp`, "--verbose"], { env });
    const [, json] = /RESULT (\{.*\})/.exec(output) ?? [];
    const result = json === undefined
      ? { passed: 0, failures: [`workerd ended with ${status}: ${output}`] }
      : JSON.parse(json);
    return countPortable(result);
  },
};

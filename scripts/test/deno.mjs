// The suite on Deno, from the sources. Deno gives each file a worker of its own, which tests that measure memory need.
import { programs } from "../setup.mjs";
import { runCounted } from "./batch.mjs";

export const deno = {
  name: "Deno",
  batchSize: 10,
  find: () => programs.deno,
  run: (program, files, { env }) =>
    runCounted(program, ["test", "-A", "--no-check", "--unstable-kv", ...files], {
      env,
      passed: /(\d+) passed/g,
      failed: /(\d+) failed/g,
    }),
};

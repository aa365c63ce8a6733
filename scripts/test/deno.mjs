// The suite on Deno, from the sources.
import { programs } from "../setup.mjs";
import { runCounted, writeBatch } from "./batch.mjs";

export const deno = {
  name: "Deno",
  batchSize: 20,
  find: () => programs.deno,
  run: (program, files, { name, env }) =>
    runCounted(program, ["test", "-A", "--no-check", writeBatch(name, files.map((path) => `../../${path}`), "ts")], {
      env,
      passed: /(\d+) passed/g,
      failed: /(\d+) failed/g,
    }),
};

// The suite on Bun, from the sources. Bun loads all files into one process by itself.
import { programs } from "../setup.mjs";
import { runCounted } from "./batch.mjs";

export const bun = {
  name: "Bun",
  batchSize: 40,
  find: () => programs.bun,
  run: (program, files, { env }) =>
    runCounted(program, ["test", "--timeout", "60000", ...files.map((path) => `./${path}`)], {
      env,
      passed: /^\s*(\d+) pass$/gm,
      failed: /^\s*(\d+) fail$/gm,
    }),
};

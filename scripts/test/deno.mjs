import { programs } from "../setup.mjs";
import { runFiles } from "./server.mjs";

export const deno = {
  name: "Deno",
  batchSize: 24,
  find: () => programs.deno,
  run: (program, files, options) => runFiles([program, "run", "-A", "--no-check", "--unstable-kv"], files, options),
};

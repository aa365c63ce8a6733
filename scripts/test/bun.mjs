import { programs } from "../setup.mjs";
import { runFiles } from "./server.mjs";

export const bun = {
  name: "Bun",
  batchSize: 20,
  find: () => programs.bun,
  run: (program, files, options) => runFiles([program], files, options),
};

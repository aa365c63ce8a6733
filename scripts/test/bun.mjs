// The suite on Bun, from the sources.
import { programs, runTee } from "../setup.mjs";
import { last } from "./last.mjs";

export const bun = {
  name: "Bun",
  find: () => programs.bun,
  async run(program, tests) {
    const paths = tests.map((path) => `./${path}`);
    const { status, output } = await runTee(program, ["test", "--timeout", "60000", ...paths]);
    return { status, passed: last(output, /^\s*(\d+) pass$/gm), failed: last(output, /^\s*(\d+) fail$/gm) };
  },
};

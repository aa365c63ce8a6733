// The suite on Deno, from the sources.
import { programs, runTee } from "../setup.mjs";
import { last } from "./last.mjs";

export const deno = {
  name: "Deno",
  find: () => programs.deno,
  async run(program, tests) {
    const { status, output } = await runTee(program, ["test", "-A", "--no-check", "--parallel", ...tests]);
    return { status, passed: last(output, /(\d+) passed/g), failed: last(output, /(\d+) failed/g) };
  },
};

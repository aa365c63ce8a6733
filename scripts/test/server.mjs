// The suite on Node, Deno and Bun: the same bundle, in which a process runs several files one after the other.
import { runCollect } from "../setup.mjs";
import { suiteFolder } from "./bundle.mjs";

/** Runs test files with a program and its first arguments. */
export async function runFiles(command, files, { env }) {
  const [program, ...args] = command;
  const runner = `${suiteFolder}/scripts/test/run_files.js`;
  const { status, output } = await runCollect(program, [...args, runner, ...files], { env });
  const [, json] = /^RESULT (\{.*\})$/m.exec(output) ?? [];
  const { passed, failed } = json === undefined ? { passed: 0, failed: 0 } : JSON.parse(json);
  return { status, output: output.replace(/^RESULT .*\n/m, ""), passed, failed };
}

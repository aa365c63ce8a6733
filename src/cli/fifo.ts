/**
 * Makes a FIFO to which another process writes.
 *
 * @module
 */
import { openPipe, type PipeOptions, type PipeReader } from "./pipe_reader.ts";
import { builtin } from "./runtime.ts";

/**
 * Makes a FIFO that only this user can use, and opens it. The reading ends when this process says so. Returns undefined if the
 * system has no `mkfifo`.
 */
export function createFifo(path: string, onSlow?: PipeOptions["onSlow"]): PipeReader | undefined {
  const { status } = builtin("node:child_process").spawnSync("mkfifo", ["-m", "600", path], { stdio: "ignore" });
  return status === 0 ? openPipe(path, { endsWithWriter: false, onSlow }) : undefined;
}

/**
 * Says why a file cannot be read.
 *
 * @module
 */
import { reasonOf } from "../model/errors.ts";

/** The codes of the system, which are the same on all runtimes, and what they mean. */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist",
  EISDIR: "it is a folder",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
};

/** Returns why a file cannot be read; the caller names the file. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return meanings[code] ?? reasonOf(error);
}

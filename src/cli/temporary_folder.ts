/**
 * The temporary folders of `run`.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { builtin, isRunning, processId } from "./runtime.ts";

/** Whose it is can be read from its name. */
const prefix = "k6-remote-write-run-";
const namePattern = new RegExp(`^${prefix}(\\d+)-`);

/** Processes of another container cannot be seen, but need a folder only until their k6 has begun to write. */
const forgottenMs = 3_600_000;

/**
 * Makes one that only this user can enter, and removes those that processes left behind when they were killed.
 *
 * @throws ConfigurationError if there can be none
 */
export function makeTemporaryFolder(): string {
  const parent = builtin("node:os").tmpdir();
  try {
    removeForgotten(parent);
    // Made with the mode 0700.
    return builtin("node:fs").mkdtempSync(builtin("node:path").join(parent, `${prefix}${processId}-`));
  } catch (error) {
    throw new ConfigurationError(
      `Cannot make a temporary folder in "${parent}": ${reasonOf(error)}, expected one that can be written to (TMPDIR)`,
    );
  }
}

function removeForgotten(parent: string): void {
  const fs = builtin("node:fs");
  const { join } = builtin("node:path");
  for (const name of namesIn(parent)) {
    const [, pid] = namePattern.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(parent, name);
    try {
      if (Date.now() - fs.lstatSync(folder).mtimeMs < forgottenMs) continue;
      // Only what can be in it: whoever has made it may be somebody else.
      for (const file of fs.readdirSync(folder)) if (file === "k6.json") fs.unlinkSync(join(folder, file));
      fs.rmdirSync(folder);
    } catch {
      // Another user's.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return builtin("node:fs").readdirSync(folder);
  } catch {
    // Not every folder that can be written to can be listed.
    return [];
  }
}

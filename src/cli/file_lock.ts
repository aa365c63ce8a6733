/**
 * Reserves a file for one process, with a file next to it that names the process.
 *
 * @module
 */
import { reasonOf } from "../model/errors.ts";
import { builtin, isRunning, processId } from "./runtime.ts";

/** A file that is reserved for this process. */
export interface FileLock {
  /** Reports whether the file is still reserved. A process that was stopped for long may lose it to another machine. */
  isHeld(): boolean;
  /** Gives the lock up, so that another process can take it. */
  release(): void;
}

/** The process that a lock names. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it began, in units of the system; empty if that is unknown. It tells two processes with the same number apart. */
  readonly began: string;
}

/** A holder shows this often that it still exists, for other machines and containers, which cannot see its process. */
const refreshMs = 10_000;
/** After this time without such a sign, other processes may take the lock over, in milliseconds. */
const abandonedMs = 60_000;

const maxLockBytes = 4096;

/**
 * Reserves a file. The lock of a process that has ended is taken over.
 *
 * @throws Error that names the process that has reserved the file, or says why the lock cannot be written
 */
export function lockFile(path: string): FileLock {
  const fs = builtin("node:fs");
  const lockPath = `${path}.lock`;
  const own: Holder = { pid: processId, host: hostName(), began: beginningOf(processId) ?? "" };
  const content = `${JSON.stringify(own)}\n`;
  // Another process may take over the same lock at the same time, so that it is there again.
  for (let attempt = 0; !createLock(lockPath, content); attempt++) {
    const { text, ageMs } = readLock(lockPath);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (attempt > 3 || isAlive(holder, ageMs)) throw new Error(describeHolder(holder, lockPath));
    removeLock(lockPath, text);
  }
  const isHeld = (): boolean => readLock(lockPath).text === content;
  const refresh = builtin("node:timers").setInterval(() => {
    const now = new Date();
    try {
      if (isHeld()) fs.utimesSync(lockPath, now, now);
    } catch {
      // The next write finds out whether the lock is lost.
    }
  }, refreshMs);
  refresh.unref();
  const release = (): void => {
    builtin("node:timers").clearInterval(refresh);
    if (isHeld()) fs.rmSync(lockPath, { force: true });
  };
  return { isHeld, release };
}

/** Creates the lock; returns false if it exists. */
function createLock(lockPath: string, content: string): boolean {
  try {
    builtin("node:fs").writeFileSync(lockPath, content, { flag: "wx", mode: 0o644 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Reads a lock without following a link. The string is undefined if the lock does not exist any more. */
function readLock(lockPath: string): { readonly text?: string; readonly ageMs: number } {
  const fs = builtin("node:fs");
  const stats = fs.lstatSync(lockPath, { throwIfNoEntry: false });
  if (stats === undefined) return { ageMs: 0 };
  if (!stats.isFile()) throw new Error(`"${lockPath}" is not a file`);
  const ageMs = Date.now() - stats.mtimeMs;
  try {
    return { text: stats.size > maxLockBytes ? "" : fs.readFileSync(lockPath, "utf8"), ageMs };
  } catch {
    // It has just been removed, or this user may not read it.
    return fs.existsSync(lockPath) ? { text: "", ageMs } : { ageMs };
  }
}

/** Removes an abandoned lock, unless another process has just replaced it: then that lock is put back. */
function removeLock(lockPath: string, text: string): void {
  const fs = builtin("node:fs");
  const removed = temporaryPath(lockPath);
  try {
    fs.renameSync(lockPath, removed);
    if (readLock(removed).text !== text) fs.copyFileSync(removed, lockPath, fs.constants.COPYFILE_EXCL);
    fs.rmSync(removed, { force: true });
  } catch (error) {
    if (fs.existsSync(lockPath)) throw new Error(`its lock "${lockPath}" cannot be removed: ${reasonOf(error)}`);
  }
}

/** Returns undefined if the string names no process: the other process may not have written it yet. */
function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, began } = Object(JSON.parse(text));
    const isHolder = Number.isSafeInteger(pid) && pid > 0 && typeof host === "string" && typeof began === "string";
    return isHolder ? { pid, host, began } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder | undefined, ageMs: number): boolean {
  // A process of another machine or container cannot be seen.
  if (holder === undefined || holder.host !== hostName()) return ageMs < abandonedMs;
  // In a container that was started again, the process may have the same number.
  if (holder.pid === processId || !isRunning(holder.pid)) return false;
  const began = beginningOf(holder.pid);
  return began === undefined || holder.began === "" || began === holder.began;
}

function describeHolder(holder: Holder | undefined, lockPath: string): string {
  if (holder === undefined) return `another process uses it, or used it within the last minute ("${lockPath}")`;
  const { pid, host } = holder;
  return host === hostName()
    ? `process ${pid} uses it`
    : `process ${pid} of the machine "${host.slice(0, 100)}" uses it, or used it within the last minute`;
}

function hostName(): string {
  return builtin("node:os").hostname();
}

/** Returns when a process began; "ended" if it only waits for its parent, undefined if the system does not say. */
function beginningOf(pid: number): string | undefined {
  try {
    // The name of the program is in parentheses, and may contain any character.
    const stat = builtin("node:fs").readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}

/** Returns an unpredictable name in the same folder, so that the file can be renamed to `path`. */
export function temporaryPath(path: string): string {
  return `${path}.${builtin("node:crypto").randomBytes(8).toString("hex")}.tmp`;
}

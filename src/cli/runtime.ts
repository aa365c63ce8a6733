/**
 * The only file that uses the runtime: the process, and Node's built-in modules, which Deno and Bun have too. It gets them without
 * an import.
 *
 * @module
 */

const process: typeof globalThis.process = globalThis.process;
const fs = process.getBuiltinModule("node:fs");

/** The arguments after the program and the script. */
export const commandLine: readonly string[] = process.argv.slice(2);

/** Environment variables by name; undefined for a variable that is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment variables of this process. */
export const environment: Environment = process.env;

/** Returns a built-in module of Node. */
export const builtin: typeof process.getBuiltinModule = process.getBuiltinModule;

/** The number of this process. */
export const processId: number = process.pid;

/** Returns a name that distinguishes this sender from others: the machine's name and the process's number. */
export function senderName(): string {
  return `${builtin("node:os").hostname()}-${processId}`;
}

/** Whether standard error is a terminal, on which progress can be shown. */
export const stderrIsTerminal: boolean = process.stderr.isTTY === true;

/** Reports whether standard input is a terminal. */
export function stdinIsTerminal(): boolean {
  return builtin("node:tty").isatty(0);
}

/** Returns the size of the regular files among some paths, in bytes. */
export function sizeOfFiles(paths: readonly string[]): number {
  return paths.filter(isRegularFile).reduce((sum, path) => sum + fs.statSync(path).size, 0);
}

/** Returns the width of a help text: that of the terminal, from 60 to 120 columns; 80 if standard output is no terminal. */
export function helpWidth(): number {
  const { columns } = process.stdout;
  return columns > 0 ? Math.min(Math.max(columns, 60), 120) : 80;
}

/** Returns the width of the terminal in columns; 80 if it is unknown. */
export function terminalWidth(): number {
  return [process.stderr.columns, process.stdout.columns].find((columns) => columns > 0) ?? 80;
}

/** Returns the width of standard output in columns; Infinity if it is no terminal. */
export function outputWidth(): number {
  return process.stdout.isTTY === true && process.stdout.columns > 0 ? process.stdout.columns : Infinity;
}

/** Writes a string; resolves when it was written, or when the reader has gone away. */
type Write = (text: string) => Promise<void>;

/** Writes to standard output. Resolves when the string is written, or its reader has gone away. */
export const writeOut: Write = writerTo("stdout");

/** Writes to standard error. Resolves when the string is written, or its reader has gone away. */
export const writeError: Write = writerTo("stderr");

function writerTo(name: "stdout" | "stderr"): Write {
  const output = process[name];
  // The reader of our output may go away; sending continues.
  let broken = false;
  output.on("error", () => broken = true);
  const deno: DenoOutputs | undefined = Reflect.get(globalThis, "Deno");
  if (deno !== undefined) return denoWriter(deno[name]);
  return (text) => broken ? Promise.resolve() : new Promise((resolve) => void output.write(text, () => resolve()));
}

/** The outputs in Deno's own interface. */
type DenoOutputs = Readonly<Record<"stdout" | "stderr", { write(bytes: Uint8Array): Promise<number> }>>;

/** Writes with Deno's own interface: its process.stdout blocks the whole process, signals included, while no one reads. */
function denoWriter(output: DenoOutputs["stdout"]): Write {
  const encoder = new TextEncoder();
  let broken = false;
  let written = Promise.resolve();
  async function writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length && !broken;) at += await output.write(bytes.subarray(at));
    } catch {
      broken = true;
    }
  }
  return (text) => written = written.then(() => writeAll(encoder.encode(text)));
}

/** A larger file is no token, certificate or list of options. A device may never end. */
const maxTextBytes = 1_048_576;

/** Reads a file of at most `maxBytes` (1 MiB) as a string. @throws Error if it is larger, or cannot be read */
export function readText(path: string, maxBytes: number = maxTextBytes): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const chunk = new Uint8Array(65_536);
  const file = fs.openSync(path, "r");
  try {
    let text = "";
    for (let length = 0;;) {
      const bytesRead = fs.readSync(file, chunk);
      if (bytesRead === 0) return text + decoder.decode();
      length += bytesRead;
      if (length > maxBytes) throw new Error(`it is larger than ${maxBytes / 1_048_576} MiB`);
      text += decoder.decode(chunk.subarray(0, bytesRead), { stream: true });
    }
  } finally {
    fs.closeSync(file);
  }
}

/** Reports whether a file of any kind exists. */
export function isThere(path: string): boolean {
  return fs.existsSync(path);
}

/** Reports whether a path is a regular file, which can be read twice. */
export function isRegularFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Reports whether a file or folder belongs to this user and is no link, from what `lstat` says. Windows has no such owner. */
export function isOwn(
  stats: { readonly uid: number; isFile(): boolean; isDirectory(): boolean },
  kind: "file" | "folder",
): boolean {
  const isKind = kind === "file" ? stats.isFile() : stats.isDirectory();
  return isKind && (process.getuid === undefined || stats.uid === process.getuid());
}

/** Returns the chunks of standard input. */
export function standardInput(): AsyncIterable<Uint8Array> {
  return process.stdin;
}

/** Reports whether standard input is a regular file, such as a recording, and not the output of a running program. */
export function readsFromFile(): boolean {
  try {
    return fs.fstatSync(0).isFile();
  } catch {
    return false;
  }
}

/** Makes a web stream of chunks. (Bun has no `ReadableStream.from`.) */
export function toStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      // Copy the chunk: Node's buffers are views of a pool, and some consumers transfer the whole pool.
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel(): Promise<void> {
      await iterator.return?.();
    },
    // Read nothing ahead: a stream that fails drops the chunks that it holds.
  }, { highWaterMark: 0 });
}

/** A signal that repeats within this time counts once: npx forwards a Ctrl-C that the terminal sends to this process, too. */
const sameSignalMs = 300;

/** How long the last output may take after a signal. */
const lastWordsMs = 1000;

let onSignalled = (): void => {};
const signalled = new Promise<void>((resolve) => onSignalled = resolve);

/** Calls back at SIGINT and SIGTERM instead of ending the process. */
export function onSignal(callback: (signal: "SIGINT" | "SIGTERM") => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    let calledAt = -Infinity;
    process.on(signal, () => {
      if (performance.now() - calledAt < sameSignalMs) return;
      calledAt = performance.now();
      onSignalled();
      callback(signal);
    });
  }
}

/** Calls back at SIGQUIT (Ctrl-\\) instead of ending the process. */
export function onQuit(callback: () => void): void {
  if (process.platform !== "win32") process.on("SIGQUIT", callback);
}

/** Resolves when the callbacks for all signals so far were called. */
export async function signalsHandled(): Promise<void> {
  // The runtimes handle signals between two turns of the event loop.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Keeps this process running when its terminal is closed (SIGHUP). */
export function outliveTerminal(): void {
  process.on("SIGHUP", () => {});
}

/** Sends a signal to another process, if it still exists. */
export function sendSignal(pid: number, signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has just ended.
  }
}

/** Reports whether a process of this number exists, or may exist. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Reports whether a terminal sends a Ctrl-C to the children of this process, too. */
export function sharesTerminal(): boolean {
  if (process.platform === "win32") return true;
  try {
    fs.closeSync(fs.openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Calls back when the process ends, unless a signal without a handler ends it. */
export function onExit(callback: () => void): void {
  process.on("exit", callback);
}

/** Ends the process at once; output that is not written yet is lost. */
export function exitNow(code: number): void {
  process.exit(code);
}

/**
 * Ends the process when all output was written, or soon after a signal. It does not wait for anything that is still open, such as
 * a standard input that never ends.
 */
export async function exit(code: number): Promise<void> {
  const tooLong = signalled.then(() => new Promise<void>((resolve) => setTimeout(resolve, lastWordsMs)));
  await Promise.race([Promise.all([writeOut(""), writeError("")]), tooLong]);
  process.exit(code);
}

/**
 * The only place that touches the runtime: Node's built-in modules, which Deno and Bun have too, reached without importing them.
 *
 * @module
 */
const process: typeof globalThis.process = globalThis.process;
const fs = process.getBuiltinModule("node:fs");
const http = process.getBuiltinModule("node:http");

/** What follows the program and the script. */
export const commandLine: readonly string[] = process.argv.slice(2);

/** The environment. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/** Node's built-in modules that a part of the command needs. */
export const builtin: typeof process.getBuiltinModule = process.getBuiltinModule;

/** This process. */
export const processId: number = process.pid;

/** Tells this sender from others: the machine, and the process on it. */
export function senderName(): string {
  return `${builtin("node:os").hostname()}-${processId}`;
}

/** Whether progress can be shown there. */
export const stderrIsTerminal: boolean = process.stderr.isTTY === true;

/** Width of the terminal; 80 where there is none, or it does not say. */
export function terminalWidth(): number {
  return [process.stderr.columns, process.stdout.columns].find((columns) => columns > 0) ?? 80;
}

/** Resolves when the text was taken, or can be taken by nobody any more. */
type Write = (text: string) => Promise<void>;

/** Writes to standard output. */
export const writeOut: Write = writerTo("stdout");

/** Writes to standard error. */
export const writeError: Write = writerTo("stderr");

function writerTo(name: "stdout" | "stderr"): Write {
  const output = process[name];
  // Who reads our output may go away; sending goes on all the same.
  let broken = false;
  output.on("error", () => broken = true);
  const deno: DenoOutputs | undefined = Reflect.get(globalThis, "Deno");
  if (deno !== undefined) return denoWriter(deno[name]);
  return (text) => broken ? Promise.resolve() : new Promise((resolve) => void output.write(text, () => resolve()));
}

/** Deno's own outputs. */
type DenoOutputs = Readonly<Record<"stdout" | "stderr", { write(bytes: Uint8Array): Promise<number> }>>;

/** In Deno, process.stdout stops the whole process, signals too, while a reader does not read; Deno's own does not. */
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

/** A file as text. */
export function readText(path: string): string {
  return fs.readFileSync(path, "utf8");
}

/** Whether there is a file of this name, of any kind. */
export function isThere(path: string): boolean {
  return fs.existsSync(path);
}

/** Whether it can be read twice. */
export function isRegularFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Standard input. */
export function standardInput(): AsyncIterable<Uint8Array> {
  return process.stdin;
}

/** Node ends only after a read that is under way; Deno and Bun leave it. */
export const awaitsReads: boolean = process.versions.deno === undefined && process.versions.bun === undefined;

/** A web stream of chunks; Bun has no `ReadableStream.from`. */
export function toStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      // Node's buffers are views of a pool; some consumers take the whole of it.
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel(): Promise<void> {
      await iterator.return?.();
    },
    // Nothing is read ahead: a stream that fails drops what it holds.
  }, { highWaterMark: 0 });
}

/** Within it, a signal that comes again is the same: npx hands a terminal's Ctrl-C on to whom the terminal sends it too. */
const sameSignalMs = 300;

/** A reader that is slower than that, after a signal, is not waited for. */
const lastWordsMs = 1000;

let onSignalled = (): void => {};
const signalled = new Promise<void>((resolve) => onSignalled = resolve);

/** Calls back at SIGINT and SIGTERM, which then no longer end the process. */
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

/** Calls back at SIGQUIT (Ctrl-\\), which then no longer ends the process. */
export function onQuit(callback: () => void): void {
  if (process.platform !== "win32") process.on("SIGQUIT", callback);
}

/** Resolves when the callbacks of signals that have come before were called. */
export async function signalsHandled(): Promise<void> {
  // The runtimes look for signals between two turns of their loop.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets the loss of the terminal (SIGHUP) end others, but not this process. */
export function outliveTerminal(): void {
  process.on("SIGHUP", () => {});
}

/** Sends a signal to another process, if there still is one. */
export function sendSignal(pid: number, signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended just now.
  }
}

/** Whether there is another process of this number, as far as can be told. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Whether a terminal's Ctrl-C goes to the children of this process by itself. */
export function sharesTerminal(): boolean {
  if (process.platform === "win32") return true;
  try {
    fs.closeSync(fs.openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Calls back when the process ends in any way but by a signal that nobody handles. */
export function onExit(callback: () => void): void {
  process.on("exit", callback);
}

/** Ends the process now. */
export function exitNow(code: number): void {
  process.exit(code);
}

/**
 * Ends the process when all was written, or a moment after a signal; what may still be open, such as a standard input that never
 * ends, does not matter.
 */
export async function exit(code: number): Promise<void> {
  const tooLong = signalled.then(() => new Promise<void>((resolve) => setTimeout(resolve, lastWordsMs)));
  await Promise.race([Promise.all([writeOut(""), writeError("")]), tooLong]);
  process.exit(code);
}

/** A server that listens. */
export interface Server {
  readonly url: string;
  /** Resolves when all connections are closed. */
  close(): Promise<void>;
}

/** Serves a handler of web-standard requests over HTTP; rejects if it cannot listen. */
export function serve(
  handler: (request: Request) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = http.createServer((incoming, outgoing) => {
    const { method = "GET", url = "/", headers: { host: authority = host } } = incoming;
    const headers = new Headers();
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      headers.append(incoming.rawHeaders[index] ?? "", incoming.rawHeaders[index + 1] ?? "");
    }
    const body = method === "GET" || method === "HEAD" ? null : toStream(incoming);
    const init: RequestInit & { duplex: "half" } = { method, headers, body, duplex: "half" };
    Promise.resolve()
      .then(() => handler(new Request(new URL(url, `http://${authority}`), init)))
      .then(async (response) => {
        const content = new Uint8Array(await response.arrayBuffer());
        outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(content);
      })
      .catch(() => {
        // A Host that makes no URL, or a method that no web-standard request can have, such as TRACE.
        if (outgoing.headersSent) outgoing.destroy();
        else outgoing.writeHead(400, { Connection: "close" }).end("Cannot read the request\n");
      });
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve({
        url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

/** Runs a program to its end, or to a limit in time. */
import { type ChildProcess, spawn } from "node:child_process";

export interface ChildOptions {
  /** @default the project's folder */
  readonly cwd?: string;
  /** Variables that are set in addition to the present environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildResult {
  readonly status: number | null;
  readonly stdout: string;
  /** Standard output and errors, as they came. */
  readonly output: string;
}

/** The longest that any of them may take; it is killed then. */
const limitMs = 240_000;

/** Runs a program and collects what it says. */
export function runChild([program = "", ...args]: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  const { result } = startChild([program, ...args], options);
  return result;
}

/** Starts a program that runs until it is stopped. */
export function startChild(
  [program = "", ...args]: readonly string[],
  { cwd, env }: ChildOptions = {},
): { readonly child: ChildProcess; readonly result: Promise<ChildResult>; said(text: RegExp): Promise<string> } {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  let output = "";
  let stdout = "";
  const listeners = new Set<() => void>();
  const hear = (chunk: Uint8Array): void => {
    output += chunk;
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", (chunk: Uint8Array) => {
    stdout += chunk;
    hear(chunk);
  });
  child.stderr.on("data", hear);
  const result = new Promise<ChildResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, output }));
  });
  // A test that waits for `said` may never ask for the result.
  result.catch(() => {});
  const said = (text: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = text.exec(output);
        if (found !== null) resolve(found[1] ?? found[0]);
      };
      listeners.add(check);
      result.then(({ status }) => reject(new Error(`${program} ended with ${status}: ${output}`)), reject);
      check();
    });
  return { child, result, said };
}

/**
 * Runs the command as a user does, on the runtime of the test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

const isDeno = "Deno" in globalThis;
// One file, if the runner of the suite has bundled the command: it starts twice as fast. Otherwise the source, or what it was
// compiled to, like this file.
const main = process.env.TEST_COMMAND ?? fileURLToPath(
  new URL(`../../src/cli/main.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
);

/** The program and its first arguments. */
export const cliCommand: readonly string[] = [
  process.execPath,
  ...(isDeno ? ["run", "-A", "--no-check", main] : [main]),
];

/** The result of a run. */
export interface CliResult {
  /** The exit code, or the name of the signal that ended the run. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run that was started. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves with an output when it contains the string. */
  printed(text: string | RegExp): Promise<string>;
  /** Sends a signal. (ChildProcess.kill loses the exit code on Deno.) */
  signal(name: "SIGINT" | "SIGQUIT" | "SIGTERM" | "SIGKILL"): void;
  /** Sends a signal repeatedly until the run ends, because a signal that repeats at once counts as one. */
  insist(name: "SIGINT" | "SIGTERM"): Promise<CliResult>;
  readonly ended: Promise<CliResult>;
}

/** Environment and input of a run. */
export interface CliOptions {
  /** Variables in addition to the test's own, except k6's and AWS's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. It is closed afterwards unless `keepOpen` is set. */
  readonly input?: string | Uint8Array;
  readonly keepOpen?: boolean;
  /** The working directory of the command. @default the test's */
  readonly cwd?: string;
  /** Whether the run is detached from the terminal of the tests. */
  readonly detached?: boolean;
}

const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(K6|AWS)_/.test(name)));

/** Starts the command; kills it after a minute. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const [program = "", ...before] = cliCommand;
  // Deno looks for a newer release, also through a proxy.
  const env = { ...inherited, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env };
  const child = spawn(program, [...before, ...args], { env, detached: options.detached, cwd: options.cwd });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  // A chunk may end within a character.
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  let stdout = "";
  let stderr = "";
  let onOutput = (): void => {};
  child.stdout.on("data", (chunk) => {
    stdout += decoders.stdout.decode(chunk, { stream: true });
    onOutput();
  });
  child.stderr.on("data", (chunk) => {
    stderr += decoders.stderr.decode(chunk, { stream: true });
    onOutput();
  });
  child.stdin.on("error", () => {});
  if (options.input !== undefined) child.stdin.write(options.input);
  if (options.keepOpen !== true) child.stdin.end();
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal ?? "none", stdout, stderr });
    });
  });
  const printed = (text: string | RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      onOutput = () => {
        const found = [stdout, stderr].find((output) =>
          typeof text === "string" ? output.includes(text) : text.test(output)
        );
        if (found !== undefined) resolve(found);
      };
      onOutput();
      void ended.then((result) => reject(new Error(`It ended without printing ${text}: ${JSON.stringify(result)}`)));
    });
  const signal: RunningCli["signal"] = (name) => void process.kill(child.pid ?? NaN, name);
  const insist = async (name: "SIGINT" | "SIGTERM"): Promise<CliResult> => {
    const timer = setInterval(() => child.exitCode ?? child.signalCode ?? signal(name), 100);
    return await ended.finally(() => clearInterval(timer));
  };
  return { child, printed, signal, insist, ended };
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}

/**
 * Resolves with the message with which the command rejects its arguments. It runs in the process of the test, up to the error: a
 * test of main.ts shows that such an error is one line and exit code 2.
 */
export async function usageErrorOf(args: readonly string[]): Promise<string> {
  try {
    const { command, given } = readCommandLine(args);
    await command?.run(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error(`No usage error: ${args.join(" ")}`);
}

/** Returns a line of k6's JSON with a sample of the gauge vus. Its time grows with its value. */
export function point(value: number): string {
  const data = { time: `2026-11-22T11:19:49.${100 + value}Z`, value, tags: {} };
  return `${JSON.stringify({ metric: "vus", type: "Point", data })}\n`;
}

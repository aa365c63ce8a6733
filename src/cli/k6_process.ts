/**
 * Finds k6 and runs it as a child of this process.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { SigV4Options } from "../send/auth/sigv4.ts";
import { builtin, type Environment, sendSignal } from "./runtime.ts";

const howToInstall = "see https://grafana.com/docs/k6/latest/set-up/install-k6/";

/** How the process of k6 ended. */
export interface K6End {
  /** The exit code; if a signal ended k6, 128 and the signal's number, as a shell reports it. */
  readonly code: number;
  /** The signal that ended it, if any. */
  readonly signal?: string;
}

/** A k6 that was started. */
export interface K6Process {
  /** Resolves when k6 has ended; rejects with ConfigurationError if it could not be started. */
  readonly ended: Promise<K6End>;
  /** The process id; undefined unless k6 runs. */
  readonly pid: number | undefined;
  /** Sends a signal to k6; does nothing after k6 has ended. */
  send(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
}

/**
 * Returns the path of k6: the value of `--k6`, else of `K6_BIN`, else the first k6 in PATH.
 *
 * @param flag the value of `--k6`
 * @throws ConfigurationError that says how to install k6
 */
export function findK6(flag: string | undefined, env: Environment): string {
  const [source, named] = flag === undefined ? ["K6_BIN", env.K6_BIN ?? ""] : ["--k6", flag];
  if (named !== "") {
    const found = named.includes("/") || named.includes("\\") ? isProgram(named) && named : findInPath(named, env);
    if (found) return found;
    throw new ConfigurationError(
      `Cannot find k6: ${source} is "${named}", which is not a program, expected k6; ${howToInstall}`,
    );
  }
  const found = findInPath("k6", env) ?? findInPath("k6.exe", env);
  if (found !== undefined) return found;
  throw new ConfigurationError(
    `Cannot find k6: it is not in PATH, expected it there, or its path in K6_BIN or --k6 PATH; ${howToInstall}`,
  );
}

function findInPath(name: string, env: Environment): string | undefined {
  const { delimiter, join } = builtin("node:path");
  return (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
    .map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  const { accessSync, constants, statSync } = builtin("node:fs");
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Arguments and environment of k6. */
interface StartK6Options {
  readonly args: readonly string[];
  readonly env: Environment;
}

/** Starts k6 with the terminal of this process. */
export function startK6(path: string, { args, env }: StartK6Options): K6Process {
  const { constants: { signals } } = builtin("node:os");
  let pid: number | undefined;
  const ended = new Promise<K6End>((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(new ConfigurationError(`Cannot start k6: ${reasonOf(error)}; ${howToInstall}`));
    };
    // Some runtimes throw, others call back.
    try {
      const child = builtin("node:child_process").spawn(path, [...args], { stdio: "inherit", env });
      pid = child.pid;
      child.on("error", fail);
      child.on("exit", (code, signal) => {
        pid = undefined;
        resolve(signal === null ? { code: code ?? 1 } : { code: 128 + signals[signal], signal });
      });
    } catch (error) {
      fail(error);
    }
  });
  return {
    ended,
    get pid(): number | undefined {
      return pid;
    },
    send: (signal) => {
      if (pid !== undefined) sendSignal(pid, signal);
    },
  };
}

/**
 * Returns the environment for k6. Scripts can read it, so it lacks the variables that may hold the endpoint's credentials.
 * `K6_OUT` is not needed: its other outputs are in k6's arguments.
 *
 * @param signing the credentials with which this process signs its requests, of each endpoint
 */
export function environmentForK6(env: Environment, signing: readonly (SigV4Options | undefined)[]): Environment {
  const { AWS_SECRET_ACCESS_KEY: awsSecret = "" } = env;
  const signsWithAws = awsSecret !== "" && signing.some((sigv4) => sigv4?.secretAccessKey === awsSecret);
  const isSecret = (name: string): boolean =>
    (ownVariables.test(name) && name !== featureVariable) || (signsWithAws && awsVariables.test(name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSecret(name)));
}

/** A switch of k6 itself, which adds a tag to all samples. */
const featureVariable = "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM";

const ownVariables = /^(K6_PROMETHEUS_|K6_OUT$)/i;
const awsVariables = /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/i;

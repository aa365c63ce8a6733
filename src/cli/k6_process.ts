/**
 * k6 as a child of this process.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { SigV4Options } from "../send/auth/sigv4.ts";
import { builtin, environment, sendSignal } from "./runtime.ts";

const howToInstall = "https://grafana.com/docs/k6/latest/set-up/install-k6/ says how to get it";

/** How k6 ended. */
export interface K6End {
  /** Its exit code; as a shell shows it, 128 and the signal's number, where a signal ended it. */
  readonly code: number;
  /** What ended it, if it was a signal. */
  readonly signal?: string;
}

/** k6 while it runs. */
export interface K6Process {
  /** @throws ConfigurationError if it could not be started */
  readonly ended: Promise<K6End>;
  /** Undefined unless it runs. */
  readonly pid: number | undefined;
  /** Hands a signal on; does nothing once k6 has ended. */
  send(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
}

/**
 * Where k6 is: what the user says, `K6_BIN`, or the first in PATH.
 *
 * @throws ConfigurationError that says how to get k6
 */
export function findK6(given: string | undefined): string {
  const [source, said] = given === undefined ? ["K6_BIN", environment.K6_BIN ?? ""] : ["--k6", given];
  if (said !== "") {
    const found = said.includes("/") || said.includes("\\") ? isProgram(said) && said : findInPath(said);
    if (found) return found;
    throw new ConfigurationError(
      `Cannot find k6: ${source} is "${said}", where there is no program, expected k6; ${howToInstall}`,
    );
  }
  const found = findInPath("k6") ?? findInPath("k6.exe");
  if (found !== undefined) return found;
  throw new ConfigurationError(
    `Cannot find k6: there is none in PATH, expected it there, in K6_BIN or as --k6 PATH; ${howToInstall}`,
  );
}

function findInPath(name: string): string | undefined {
  const { delimiter, join } = builtin("node:path");
  return (environment.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
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

/** How to start k6. */
export interface StartK6Options {
  readonly args: readonly string[];
  /** What this process signs its requests with. */
  readonly sigv4?: SigV4Options;
}

/** Starts k6 with this process's own terminal, and without what the endpoint's credentials may be in. */
export function startK6(path: string, { args, sigv4 }: StartK6Options): K6Process {
  const { constants: { signals } } = builtin("node:os");
  let pid: number | undefined;
  const ended = new Promise<K6End>((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(new ConfigurationError(`Cannot start k6: ${reasonOf(error)}; ${howToInstall}`));
    };
    // Some runtimes throw, others call back.
    try {
      const env = withoutSecrets(sigv4);
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
 * Scripts can read k6's environment: what may hold the endpoint's credentials is for this process alone. What `K6_OUT` says for
 * others is among k6's arguments.
 */
function withoutSecrets(sigv4: SigV4Options | undefined): Record<string, string | undefined> {
  const { AWS_SECRET_ACCESS_KEY: awsSecret = "" } = environment;
  const signsWithAws = awsSecret !== "" && sigv4?.secretAccessKey === awsSecret;
  const isSecret = (name: string): boolean => ownVariables.test(name) || (signsWithAws && awsVariables.test(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isSecret(name)));
}

const ownVariables = /^(K6_PROMETHEUS_|K6_OUT$)/i;
const awsVariables = /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/i;

/**
 * Separates the arguments of `run` into its own flags and k6's arguments.
 *
 * @module
 */
import { type Arguments, type Flag, parseArguments } from "./arguments.ts";

/**
 * Flags of k6 whose names this command uses for options or elsewhere. In `run`, k6 gets them; the options are still set by their
 * variables and their keys in `-o output-prometheus-remote=...`.
 */
export const k6Flags: readonly string[] = [
  "config",
  "insecure-skip-tls-verify",
  "log-format",
  "no-thresholds",
  "quiet",
  "verbose",
];

/** The name of the Prometheus output that is part of k6 today. */
const presentOutput = "experimental-prometheus-rw";

/** The k6 outputs that `run` replaces: the original extension's, its successor's, and k6's own. */
const replacedOutputs: readonly string[] = ["output-prometheus-remote", "xk6-prometheus-rw", presentOutput];

/**
 * Reads the flags of this command, which may be anywhere before `--`. All other arguments remain, in order, as operands.
 *
 * @throws ConfigurationError for a missing value or a value that cannot be read
 */
export function parseRunArguments(args: readonly string[], flags: readonly Flag[]): Arguments {
  const own: string[] = [];
  const operands: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const flag = ownFlag(argument, flags);
    if (argument === "--") {
      operands.push(...rest);
      break;
    }
    (flag === undefined ? operands : own).push(argument);
    // After a switch, "true" and "false" are a mistake, which parseArguments reports; k6 would take them as its script.
    const takesNext = flag?.placeholder !== undefined || rest[0] === "true" || rest[0] === "false";
    if (flag !== undefined && takesNext && !argument.includes("=")) own.push(...rest.splice(0, 1));
  }
  return { values: parseArguments(own, flags).values, operands };
}

function ownFlag(argument: string, flags: readonly Flag[]): Flag | undefined {
  const [, name = ""] = /^--([^=]+)/.exec(argument) ?? [];
  if (k6Flags.includes(name)) return undefined;
  return flags.find(({ flag, placeholder }) => flag === name || (placeholder === undefined && `no-${flag}` === name));
}

/** The arguments with which k6 is started, and what was taken out of them. */
interface K6Arguments {
  /** The arguments without the replaced outputs. */
  readonly args: readonly string[];
  /** The options after the name of a replaced output, such as `url=...,mapping=raw`. */
  readonly outputArgument?: string;
  /** Whether an output was replaced. */
  readonly namesOutput: boolean;
  /** Whether k6's own output is among the replaced ones. */
  readonly isPresentOutput: boolean;
}

/**
 * Removes the outputs that this command replaces from k6's arguments.
 *
 * @param fromEnv the value of `K6_OUT`. k6 reads it only if no argument names an output, and `run` always adds one.
 */
export function replaceOutputs(args: readonly string[], fromEnv = ""): K6Arguments {
  const left: string[] = [];
  const replaced: string[] = [];
  let named = false;
  const end = args.indexOf("--");
  const rest = args.slice(0, end < 0 ? args.length : end);
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    // -o NAME, --out NAME; -oNAME, -o=NAME, --out=NAME
    const words = argument === "-o" || argument === "--out" ? [argument, ...rest.splice(0, 1)] : [argument];
    const output = words[1] ?? /^(?:-o=?|--out=)(.+)$/s.exec(argument)?.[1];
    named ||= output !== undefined;
    if (output !== undefined && isReplaced(output)) replaced.push(output);
    else left.push(...words);
  }
  for (const output of named ? [] : fromEnv.split(",").filter((text) => text !== "").reverse()) {
    if (isReplaced(output)) replaced.unshift(output);
    else left.unshift("--out", output);
  }
  const outputArgument = replaced.map((output) => output.slice(nameOf(output).length + 1))
    .filter((text) => text !== "").join(",");
  return {
    args: [...left, ...(end < 0 ? [] : args.slice(end))],
    ...(outputArgument === "" ? {} : { outputArgument }),
    namesOutput: replaced.length > 0,
    isPresentOutput: replaced.some((output) => nameOf(output) === presentOutput),
  };
}

function isReplaced(output: string): boolean {
  return replacedOutputs.includes(nameOf(output));
}

function nameOf(output: string): string {
  return output.split("=", 1)[0] ?? "";
}

/** Returns the form of messages that k6 was told to use: this command uses it, too. `fromEnv` is the value of `K6_LOG_FORMAT`. */
export function k6LogFormat(args: readonly string[], fromEnv = ""): "text" | "json" {
  const end = args.indexOf("--");
  const own = args.slice(0, end < 0 ? args.length : end);
  const given = own.flatMap((argument, index) => {
    if (argument === "--log-format") return own[index + 1] ?? "";
    return argument.startsWith("--log-format=") ? argument.slice(argument.indexOf("=") + 1) : [];
  });
  return (given.at(-1) ?? fromEnv) === "json" ? "json" : "text";
}

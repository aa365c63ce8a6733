/**
 * Which arguments of `run` are this command's own, and which are k6's.
 *
 * @module
 */
import { type Arguments, type Flag, parseArguments } from "./arguments.ts";

/**
 * Flags of k6 that an option, or another command, here has too: k6 gets them. The option keeps its variable, and its key in
 * `-o output-prometheus-remote=...`.
 */
export const k6Flags: readonly string[] = ["config", "insecure-skip-tls-verify", "no-thresholds", "quiet"];

/** Outputs that this command stands in for: of the original extension, of its successor, and k6's own. */
const replacedOutputs: readonly string[] = [
  "output-prometheus-remote",
  "xk6-prometheus-rw",
  "experimental-prometheus-rw",
];

/**
 * Takes the flags that are this command's, wherever they stand, and leaves all other arguments, in their order, as operands; `--`
 * ends the flags.
 *
 * @throws ConfigurationError
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
    // Behind a switch, those two are a mistake that is to be found; else they would be k6's script.
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

/** k6's arguments. */
export interface K6Arguments {
  /** Without the outputs that are replaced. */
  readonly args: readonly string[];
  /** What stood behind the name of such an output: `url=...,mapping=raw`. */
  readonly outputArgument?: string;
}

/**
 * Takes the outputs that this command replaces out of k6's arguments.
 *
 * @param fromEnv `K6_OUT`, which k6 reads only where no argument names an output: here one always does
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
  return { args: [...left, ...(end < 0 ? [] : args.slice(end))], ...(outputArgument === "" ? {} : { outputArgument }) };
}

function isReplaced(output: string): boolean {
  return replacedOutputs.includes(nameOf(output));
}

function nameOf(output: string): string {
  return output.split("=", 1)[0] ?? "";
}

/**
 * Reads the command line.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { nearestName } from "../client/nearest_name.ts";

/** A flag of a command. */
export interface Flag {
  /** Without the dashes. */
  readonly flag: string;
  /** What stands for the value in `--help`; none for a switch. */
  readonly placeholder?: string;
  /** One sentence. */
  readonly help: string;
  /** As the user would write it. */
  readonly default?: string;
  /** May be given several times; the values are objects that are merged. */
  readonly named?: boolean;
  /** @throws ConfigurationError that names the source, the value and what was expected */
  parse(text: string, source: string): unknown;
}

/** What a command line says. */
export interface Arguments {
  /** Values by flag. */
  readonly values: ReadonlyMap<string, unknown>;
  /** What is no flag, in order. */
  readonly operands: readonly string[];
}

/**
 * Reads `--flag value`, `--flag=value`, `--switch`, `--no-switch` and `--switch=false`; `--` ends the flags, and `-` is an operand.
 *
 * @throws ConfigurationError
 */
export function parseArguments(args: readonly string[], flags: readonly Flag[]): Arguments {
  const values = new Map<string, unknown>();
  const operands: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === "--") {
      operands.push(...rest);
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      operands.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const source = equals < 0 ? argument : argument.slice(0, equals);
    const { flag, negated } = findFlag(source, flags);
    let text = equals < 0 ? undefined : argument.slice(equals + 1);
    if (flag.placeholder === undefined) {
      if (negated && text !== undefined) throw new ConfigurationError(`Cannot read ${source}: it takes no value`);
      if (text === undefined && (rest[0] === "true" || rest[0] === "false")) {
        // Otherwise it would be a file of that name.
        throw new ConfigurationError(
          `Cannot read ${source}: "${rest[0]}" stands apart from it, expected --${flag.flag}=${rest[0]}`,
        );
      }
      text ??= String(!negated);
    } else {
      text ??= rest.shift();
      if (text === undefined) {
        throw new ConfigurationError(`Cannot read ${source}: a value is missing, expected ${flag.placeholder}`);
      }
    }
    const value = flag.parse(text, source);
    values.set(flag.flag, flag.named === true ? { ...Object(values.get(flag.flag)), ...Object(value) } : value);
  }
  return { values, operands };
}

/** Where the first word is that is neither a flag nor the value of one; undefined if there is none before an unknown flag. */
export function firstOperand(args: readonly string[], flags: readonly Flag[]): number | undefined {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (!argument.startsWith("-") || argument === "-") return index;
    const [name = "", value] = argument.split("=", 2);
    const flag = flags.find((candidate) => `--${candidate.flag}` === (shortForms[name] ?? name));
    if (flag === undefined && !flags.some((candidate) => `--no-${candidate.flag}` === name)) return undefined;
    if (flag?.placeholder !== undefined && value === undefined) index++;
  }
  return undefined;
}

const shortForms: Readonly<Record<string, string>> = { "-h": "--help", "-q": "--quiet", "-V": "--version" };

function findFlag(source: string, flags: readonly Flag[]): { flag: Flag; negated: boolean } {
  const name = (shortForms[source] ?? source).replace(/^--/, "");
  const flag = flags.find((candidate) => candidate.flag === name);
  if (flag !== undefined && !name.startsWith("-")) return { flag, negated: false };
  const opposite = flags.find((candidate) => candidate.placeholder === undefined && `no-${candidate.flag}` === name);
  if (opposite !== undefined) return { flag: opposite, negated: true };
  const nearest = nearestName(name, flags.map((candidate) => candidate.flag));
  const hint = nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
  throw new ConfigurationError(`Cannot read the command line: there is no flag ${source}; ${hint}`);
}

/**
 * Reads the words of a command line.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { nearestName } from "../model/nearest_name.ts";

/** A flag of a command. */
export interface Flag {
  /** The name, without the dashes. */
  readonly flag: string;
  /** Stands for the value in `--help`, for example `FILE`. A flag without it is a switch. */
  readonly placeholder?: string;
  /** The values, if there are few. */
  readonly choices?: readonly string[];
  /** One or two sentences for `--help`. */
  readonly help: string;
  /** The default as the user would write it, for `--help`. */
  readonly default?: string;
  /** The flag may be repeated; its values are objects, and are merged. */
  readonly named?: boolean;
  /** The flag may be repeated; its values are joined with blanks. */
  readonly repeats?: boolean;
  /** @throws ConfigurationError that names the source, the value and what was expected */
  parse(text: string, source: string): unknown;
}

/** The flags and operands of a command line. */
export interface Arguments {
  /** The parsed values, by the flag's name. */
  readonly values: ReadonlyMap<string, unknown>;
  /** The arguments that are not flags, in order. */
  readonly operands: readonly string[];
}

/**
 * Reads `--flag value`, `--flag=value`, `--switch`, `--no-switch` and `--switch=false`. Everything after `--` is an operand, and
 * so is `-`.
 *
 * @throws ConfigurationError for an unknown flag, a missing value or a value that cannot be read
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
        // Otherwise the command would read it as the name of a file.
        throw new ConfigurationError(
          `Cannot read ${source}: "${rest[0]}" is a separate argument, expected --${flag.flag}=${rest[0]}`,
        );
      }
      text ??= String(!negated);
    } else {
      text ??= rest.shift();
      if (text === undefined) {
        throw new ConfigurationError(`Cannot read ${source}: its value is missing, expected ${flag.placeholder}`);
      }
    }
    const value = flag.parse(text, source);
    const before = values.get(flag.flag);
    if (flag.named === true) values.set(flag.flag, { ...Object(before), ...Object(value) });
    else values.set(flag.flag, flag.repeats === true && before !== undefined ? `${before} ${value}` : value);
  }
  return { values, operands };
}

/** Returns the index of the first operand; undefined if there is none, or if an unknown flag comes before it. */
export function firstOperand(args: readonly string[], flags: readonly Flag[]): number | undefined {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (!argument.startsWith("-") || argument === "-") return index;
    const [name = "", value] = argument.split("=", 2);
    const found = lookUp(name, flags);
    if (found === undefined) return undefined;
    if (found.flag.placeholder !== undefined && value === undefined) index++;
  }
  return undefined;
}

/** The short forms of flags. `run` leaves them to k6, which has its own. */
export const shortForms: Readonly<Record<string, string>> = {
  "-h": "--help",
  "-q": "--quiet",
  "-u": "--url",
  "-v": "--verbose",
  "-V": "--version",
};

/** Finds the flag of `--flag`, or of `--no-flag` for a switch. */
function lookUp(source: string, flags: readonly Flag[]): { flag: Flag; negated: boolean } | undefined {
  const name = shortForms[source] ?? source;
  const flag = flags.find((candidate) => `--${candidate.flag}` === name);
  if (flag !== undefined) return { flag, negated: false };
  const negated = flags.find(({ flag, placeholder }) => placeholder === undefined && `--no-${flag}` === name);
  return negated && { flag: negated, negated: true };
}

function findFlag(source: string, flags: readonly Flag[]): { flag: Flag; negated: boolean } {
  const found = lookUp(source, flags);
  if (found !== undefined) return found;
  const nearest = nearestName(source.replace(/^--/, ""), flags.map(({ flag }) => flag));
  const hint = nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
  throw new ConfigurationError(`Cannot read the command line: there is no flag ${source}; ${hint}`);
}

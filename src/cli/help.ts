/**
 * Formats the help texts of the program and of its commands.
 *
 * @module
 */
import { textOptions } from "../config/text_options.ts";
import type { Flag } from "./arguments.ts";
import type { Command } from "./command.ts";

const indent = "      ";
const width = 100;

/** Formats the help of the program, with all commands. */
export function formatHelp(commands: readonly Command[]): string {
  const forms = commands.map(({ name, operands }) => `${name} ${operands}`);
  const longest = Math.max(...forms.map(({ length }) => length));
  const rows = commands.map(({ summary }, index) => `  ${forms[index]?.padEnd(longest)}  ${summary}`);
  return `Send k6 test results to any Prometheus remote-write endpoint.

Usage: k6-remote-write [send] [FILE...] [--url URL] [flags]
       k6-remote-write COMMAND [flags]

${rows.join("\n")}

k6-remote-write COMMAND --help shows the flags of a command; --version shows the version.
`;
}

/** Formats the help of one command. */
export function formatCommandHelp({ name, operands, summary, flags, options, notes }: Command): string {
  const parts = [
    `Usage: ${["k6-remote-write", name, operands, "[flags]"].filter((word) => word !== "").join(" ")}\n\n${summary}`,
    flags.map((flag) => formatFlag(flag)).join("\n"),
  ];
  if (options.length > 0) {
    const variables = new Map(
      textOptions.map((
        { flag, env, envPrefixes },
      ) => [flag, [...env, ...envPrefixes.map((prefix) => `${prefix}<NAME>`)]]),
    );
    const lines = options.map((flag) => formatFlag(flag, variables.get(flag.flag)));
    parts.push(`Options, with their environment variables:\n\n${lines.join("\n")}`);
  }
  if (notes !== undefined) parts.push(notes);
  return `${parts.join("\n\n")}\n`;
}

function formatFlag(flag: Flag, env: readonly string[] = []): string {
  const form = `  --${flag.flag}${flag.placeholder === undefined ? "" : ` ${flag.placeholder}`}`;
  const facts = [
    flag.default === undefined ? "" : `[default: ${flag.default}]`,
    env.length === 0 ? "" : `[${env.join(", ")}]`,
  ];
  return [form, ...wrap([flag.help, ...facts].join(" ").trim())].join("\n");
}

function wrap(text: string): string[] {
  const lines = [indent];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length >= width && line !== indent) lines.push(`${indent}${word}`);
    else lines[lines.length - 1] = line === indent ? `${indent}${word}` : `${line} ${word}`;
  }
  return lines;
}

/**
 * Formats the help texts of the program, of its commands and of topics.
 *
 * @module
 */
import { optionGroups } from "../config/option_texts.ts";
import type { TextOption } from "../config/text_option.ts";
import { textOptions } from "../config/text_options.ts";
import type { Flag } from "./arguments.ts";
import type { Command } from "./command.ts";

/** The flags of the options that most users need. `--help` shows them; `--help all` shows all options. */
export const mostUsed: readonly string[] = [
  "url",
  "user",
  "password",
  "bearer-token",
  "header",
  "trend-as",
  "label",
  "testid",
  "flush-period",
  "on-loss",
];

/** The column at which the help texts of flags begin. */
const textColumn = 30;

/** How wide a help text is, in characters. */
interface Layout {
  readonly width: number;
}

/** Formats the help of the program, with all commands. */
export function formatHelp(commands: readonly Command[], { width }: Layout): string {
  const forms = commands.map(({ name, operands }) => [name, operands].join(" ").trim());
  const rows = commands.map(({ summary }, index) => formatRow(`  ${forms[index]}`, summary, width));
  return `${formatParagraphs("Send k6 test results to any Prometheus remote-write endpoint.", width)}

Examples:
  k6-remote-write run script.js --url http://localhost:9090/api/v1/write
  k6-remote-write run.json.gz --url http://localhost:9090/api/v1/write
  k6-remote-write receive

Usage: k6-remote-write [send] [FILE...] [flags]
       k6-remote-write COMMAND [flags]

${rows.join("\n")}

${
    formatParagraphs(
      `k6-remote-write COMMAND --help shows the flags of a command, and --help all its options, too.
k6-remote-write help TOPIC explains a topic: ${topics.map(({ name }) => name).join(", ")}.
k6-remote-write version shows the version.`,
      width,
    )
  }
`;
}

/** Formats the help of one command. @param layout all: with all options, by group; otherwise with the most used ones */
export function formatCommandHelp(
  { name, operands, summary, examples = [], flags, options, notes }: Command,
  { width, all = false }: Layout & { readonly all?: boolean },
): string {
  const parts = [
    `Usage: ${["k6-remote-write", name, operands, "[flags]"].filter((word) => word !== "").join(" ")}`,
    formatParagraphs(summary, width),
  ];
  if (examples.length > 0) parts.push(`Examples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  const own = flags.length === 0 ? [] : [formatGroup("Flags", flags, { width })];
  if (options.length === 0) parts.push(...own);
  else if (all) {
    const grouped = Object.entries(optionGroups).map(([group, title]) =>
      [title, options.filter((flag) => optionOf(flag)?.group === group)] as const
    );
    const others = ["Other", options.filter((flag) => optionOf(flag) === undefined)] as const;
    const groups = [...grouped, others].filter(([, members]) => members.length > 0);
    parts.push(...own, ...groups.map(([title, members]) => formatGroup(title, members, { width, variables: true })));
  } else {
    const common = mostUsed.flatMap((flag) => options.filter((option) => option.flag === flag));
    const rest = `All ${options.length} options, with their variables: k6-remote-write ${name} --help all`;
    parts.push(formatGroup("Most used options", common, { width }), ...own, formatParagraphs(rest, width));
  }
  if (notes !== undefined) parts.push(formatParagraphs(notes, width));
  return `${parts.join("\n\n")}\n`;
}

/** A subject of `help TOPIC`. */
interface Topic {
  readonly name: string;
  format(width: number): string;
}

const groupTopics: readonly Topic[] = Object.entries(optionGroups).map(([group, title]) => ({
  name: group,
  format: (width) =>
    formatGroup(title, textOptions.filter((option) => option.group === group), { width, variables: true }),
}));

const texts: Readonly<Record<string, string>> = {
  "exit-codes": `Exit codes
  0    everything was delivered
  1    something was lost, or could not be read
  2    wrong usage or configuration
  99   verdict: a threshold or a gate was crossed
run ends with k6's own exit code. It ends with 1 if k6 ended with 0 and something was lost.
With --on-loss warn, a loss is only a warning.`,
  sources: `Where options come from
A flag overrides the argument of -o output-prometheus-remote=..., which overrides a variable, which overrides the file of \
--config, which overrides the default.
Each option has a variable: --max-series is K6_PROMETHEUS_RW_MAX_SERIES. Options that k6 or the original extension has also \
have their names, such as K6_PROMETHEUS_REMOTE_URL. --help all shows them.
A file of --config (in run, of K6_PROMETHEUS_RW_CONFIG) is a JSON object with the flags' names in camel case, such as \
{"url": "...", "maxSeries": 1000}.
Durations are 500ms, 5s or 1m30s. A list is a,b,c. Pairs are a=b,c=d. Lists and pairs may be JSON.`,
};

/** The topics of `help TOPIC`. */
export const topics: readonly Topic[] = [
  ...groupTopics,
  ...Object.entries(texts).map(([name, text]) => ({
    name,
    format: (width: number): string => formatParagraphs(text, width),
  })),
];

function formatGroup(
  title: string,
  flags: readonly Flag[],
  { width, variables = false }: Layout & { readonly variables?: boolean },
): string {
  const rows = flags.map((flag) => {
    const facts = [
      flag.default === undefined ? "" : `[default: ${flag.default}]`,
      variables ? variablesOf(flag) : "",
    ];
    return formatRow(`  ${formOf(flag)}`, [flag.help, ...facts.map((fact) => unbroken(fact, width))].join(" "), width);
  });
  return `${title}:\n${rows.join("\n")}`;
}

function optionOf({ flag }: Flag): TextOption | undefined {
  return textOptions.find((option) => option.flag === flag.replace(/^forward-/, ""));
}

function variablesOf(flag: Flag): string {
  const { env = [], envPrefixes = [] } = optionOf(flag) ?? {};
  const names = [...env, ...envPrefixes.map((prefix) => `${prefix}<NAME>`)];
  return names.length === 0 ? "" : `[${names.join(", ")}]`;
}

/** A blank at which a line is not broken. */
const hardBlank = "\u00a0";

/** Keeps a string that fits into a line, such as a default, on one line. */
function unbroken(text: string, width: number): string {
  return text.length <= width - textColumn ? text.replaceAll(" ", hardBlank) : text;
}

/** Returns the form of a flag, such as `--url URL`. */
function formOf({ flag, placeholder }: Flag): string {
  return `--${flag}${placeholder === undefined ? "" : ` ${placeholder}`}`;
}

function formatRow(form: string, text: string, width: number): string {
  const indent = " ".repeat(textColumn);
  const lines = wrap(text, width - textColumn).map((line) => `${indent}${line}`);
  const [first = ""] = lines;
  const rest = lines.slice(1);
  return form.length < textColumn - 1
    ? [`${form.padEnd(textColumn)}${first.trimStart()}`, ...rest].join("\n")
    : [form, ...lines].join("\n");
}

/** Wraps each line, which is a paragraph. Lines that begin with blanks stay as they are. */
function formatParagraphs(text: string, width: number): string {
  return text.split("\n").flatMap((line) => line.startsWith("  ") ? [line] : wrap(line, width)).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.trim().split(/[ \n]+/)) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => line.replaceAll(hardBlank, " "));
}

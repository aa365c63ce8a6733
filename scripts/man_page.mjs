// Writes the man page of the command, from the same definitions as its help.
import { readFileSync, writeFileSync } from "node:fs";
import { root } from "./setup.mjs";

/** Writes dist/k6-remote-write.1 from the modules in dist/. */
export async function writeManPage() {
  const { commands } = await import("../dist/src/cli/command_line.js");
  const { topics } = await import("../dist/src/cli/help.js");
  const { optionGroups } = await import("../dist/src/config/option_texts.js");
  const { textOptions } = await import("../dist/src/config/text_options.js");
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const { commonFlags } = await import("../dist/src/cli/command.js");
  const [send] = commands;
  const isCommon = (name) => commonFlags.some(({ flag }) => flag === name);

  const flag = (each, env = []) =>
    [
      `.TP\n\\fB${escape(`--${each.flag}`)}\\fR${
        each.placeholder === undefined ? "" : ` \\fI${escape(each.placeholder)}\\fR`
      }`,
      escape(
        [each.help, ...(each.default === undefined ? [] : [`The default is ${each.default}.`])].join(" "),
      ),
      ...(env.length === 0 ? [] : [`.br\n${escape(env.join(", "))}`]),
    ].join("\n");
  const command = ({ name, operands, summary, flags, notes = "", examples = [] }) =>
    [
      `.SS "${[name, operands].join(" ").trim()}"`,
      escape(summary),
      ...(examples.length === 0
        ? []
        : [".PP\n.nf", ...examples.map((line) => `\\&  ${escape(line).replaceAll("\n", " ")}`), ".fi"]),
      ...notes.split("\n").filter((line) => line !== "").map((line) => `.PP\n${escape(line)}`),
      ...flags.filter(({ flag }) => name === "send" || !isCommon(flag)).map((each) => flag(each)),
    ].join("\n");
  const topic = (name) => {
    const [, ...lines] = topics.find((each) => each.name === name).format(Infinity).split("\n");
    return lines.map((line) => line.startsWith("  ") ? `.br\n${escape(line.trim())}` : `.PP\n${escape(line)}`);
  };
  const page = [
    `.TH K6\\-REMOTE\\-WRITE 1 "" "k6-remote-write ${version}" "User Commands"`,
    ".SH NAME",
    "k6\\-remote\\-write \\- send k6 test results to any Prometheus remote\\-write endpoint",
    ".SH SYNOPSIS",
    ...commands.flatMap(({ name, operands }) => [
      ".PP",
      `\\fBk6\\-remote\\-write\\fR ${name === "send" ? "[send]" : name} ${escape(operands)} [\\fIflags\\fR]`,
    ]),
    ".SH COMMANDS",
    ...commands.map(command),
    ".SH OPTIONS",
    ".PP\nThe options of run and send. In receive, they are those of \\-\\-forward.",
    flag(send.options.find((option) => option.flag === "config")),
    ...Object.entries(optionGroups).flatMap(([group, title]) => [
      `.SS "${title}"`,
      ...textOptions.filter((option) => option.group === group)
        .map((option) => flag(option, [...option.env, ...option.envPrefixes.map((prefix) => `${prefix}<NAME>`)])),
    ]),
    '.SH "EXIT STATUS"',
    ...topic("exit-codes"),
    ".SH ENVIRONMENT",
    ...topic("sources"),
    "",
  ].join("\n");
  // A section begins with a paragraph anyway.
  writeFileSync(`${root}/dist/k6-remote-write.1`, page.replace(/^(\.SH .*)\n\.(?:PP|br)$/gm, "$1"));
}

/** Breaks a string into lines of at most 78 characters, and escapes what roff would interpret. */
function escape(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== "" && line.length + word.length > 70) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&")).join(
    "\n",
  );
}

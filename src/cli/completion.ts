/**
 * The command `completion`: prints a script that completes command lines in a shell.
 *
 * @module
 */
import { nearestName } from "../model/nearest_name.ts";
import { ConfigurationError } from "../model/errors.ts";
import { type Flag, shortForms } from "./arguments.ts";
import { type Command, commonFlags, exitCodes } from "./command.ts";
import { print } from "./print.ts";

const shells: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
const shellNames = Object.keys(shells).join(", ");

/** Returns the command `completion`, which prints a script for a shell. @param commands the other commands to complete */
export function completionCommand(commands: readonly Command[]): Command {
  const completion: Command = {
    name: "completion",
    operands: "SHELL",
    summary: `Print a script that completes commands and flags, for ${shellNames}.`,
    flags: commonFlags,
    options: [],
    examples: [
      "source <(k6-remote-write completion bash)     # in ~/.bashrc",
      "source <(k6-remote-write completion zsh)      # in ~/.zshrc",
      "k6-remote-write completion fish | source      # in ~/.config/fish/config.fish",
    ],
    async run({ operands: [shell = "", ...rest] }) {
      const script = rest.length === 0 && Object.hasOwn(shells, shell) ? shells[shell] : undefined;
      if (script === undefined) {
        const nearest = nearestName(shell, Object.keys(shells));
        const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
        const given = [shell, ...rest].join(" ");
        throw new ConfigurationError(`Cannot complete: the shell is "${given}", expected one of ${shellNames}${hint}`);
      }
      await print(script([...commands, completion]));
      return exitCodes.ok;
    },
  };
  return completion;
}

/** Placeholders of values that are paths. */
const isPath = ({ placeholder = "" }: Flag): boolean => ["FILE", "DIR", "PATH", "STATE"].includes(placeholder);

function flagsOf({ flags, options }: Command): readonly Flag[] {
  return [...flags, ...options];
}

/** Returns all spellings of a flag of a command. A switch that is on by default can be switched off. */
function namesOf(flag: Flag, { parse }: Command): string[] {
  // A command that reads its arguments itself leaves the short forms to k6, except for the help.
  const isShort = (short: string, long: string): boolean =>
    long === `--${flag.flag}` && (parse === undefined || short === "-h");
  const short = Object.entries(shortForms).flatMap(([short, long]) => isShort(short, long) ? [short] : []);
  const negated = flag.placeholder === undefined && flag.default === "true" ? [`--no-${flag.flag}`] : [];
  return [`--${flag.flag}`, ...negated, ...short];
}

function bashScript(commands: readonly Command[]): string {
  const all = new Map(commands.flatMap(flagsOf).map((flag) => [flag.flag, flag]));
  const valued = [...all.values()].filter(({ placeholder }) => placeholder !== undefined);
  const choices = valued.flatMap(({ flag, choices }) =>
    choices === undefined
      ? []
      : [`    --${flag}) COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur")); return ;;`]
  );
  const paths = valued.filter(isPath).map(({ flag }) => `--${flag}`);
  const others = valued.filter((flag) => flag.choices === undefined && !isPath(flag)).map(({ flag }) => `--${flag}`);
  return `# Completes k6-remote-write in bash.
_k6_remote_write() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command=send word flags
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
    ${commands.map(({ name }) => name).join("|")}) command="$word"; break ;;
    esac
  done
  case "$prev" in
${choices.join("\n")}
    ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${others.join("|")}) return ;;
    completion) COMPREPLY=($(compgen -W "${Object.keys(shells).join(" ")}" -- "$cur")); return ;;
  esac
  if [[ "$cur" == -* ]]; then
    case "$command" in
${
    commands.map((command) =>
      `    ${command.name}) flags="${flagsOf(command).flatMap((flag) => namesOf(flag, command)).join(" ")}" ;;`
    ).join(
      "\n",
    )
  }
    esac
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ "$COMP_CWORD" -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${[...commands.map(({ name }) => name), "help", "version"].join(" ")}" -- "$cur") \
$(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _k6_remote_write k6-remote-write
`;
}

function zshScript(commands: readonly Command[]): string {
  const quoted = (text: string): string => text.replaceAll("'", "'\\''");
  const described = (text: string): string => quoted(text.replace(/[[\]:\\]/g, "\\$&"));
  const value = (flag: Flag): string => {
    if (flag.placeholder === undefined) return "";
    const action = flag.choices !== undefined ? `(${flag.choices.join(" ")})` : isPath(flag) ? "_files" : "";
    return `:${described(flag.placeholder)}:${action}`;
  };
  const cases = commands.map((command) => {
    const lines = flagsOf(command).flatMap((flag) =>
      namesOf(flag, command).map((name) => `        '*${name}[${described(flag.help)}]${value(flag)}'`)
    );
    const operands = command.name === "completion" ? `:shell:(${Object.keys(shells).join(" ")})` : ":file:_files";
    return `    ${command.name})\n      _arguments \\\n${[...lines, `        '*${operands}'`].join(" \\\n")}\n      ;;`;
  });
  return `#compdef k6-remote-write
# Completes k6-remote-write in zsh.
_k6_remote_write() {
  local command=send word
  local -a commands=(
${commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`).join("\n")}
    'help:Explain a command or a topic.'
    'version:Show the version.'
  )
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in
    ${commands.map(({ name }) => name).join("|")}) command="$word"; break ;;
    esac
  done
  if (( CURRENT == 2 )) && [[ "$PREFIX" != -* ]]; then
    _describe command commands
    _files
    return
  fi
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _k6_remote_write k6-remote-write
`;
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const names = commands.map(({ name }) => name).join(" ");
  const lines = commands.flatMap((command) => {
    const others = commands.filter((other) => other !== command).map(({ name }) => name).join(" ");
    const condition = command.name === "send"
      ? `not __fish_seen_subcommand_from ${others}`
      : `__fish_seen_subcommand_from ${command.name}`;
    return [
      `complete -c k6-remote-write -n '__fish_use_subcommand' -a ${command.name} -d ${quoted(command.summary)}`,
      ...flagsOf(command).map((flag) => {
        const short = namesOf(flag, command).flatMap((name) => /^-[a-zA-Z]$/.test(name) ? [` -s ${name.slice(1)}`] : [])
          .join(
            "",
          );
        const kind = flag.placeholder === undefined
          ? ""
          : flag.choices !== undefined
          ? ` -x -a ${quoted(flag.choices.join(" "))}`
          : isPath(flag)
          ? " -r"
          : " -x";
        return `complete -c k6-remote-write -n ${quoted(condition)} -l ${flag.flag}${short}${kind} -d ${
          quoted(flag.help)
        }`;
      }),
    ];
  });
  return `# Completes k6-remote-write in fish, with the commands ${names}.
complete -c k6-remote-write -e
complete -c k6-remote-write -n '__fish_use_subcommand' -a help -d 'Explain a command or a topic.'
complete -c k6-remote-write -n '__fish_use_subcommand' -a version -d 'Show the version.'
complete -c k6-remote-write -n '__fish_seen_subcommand_from completion' -f -a ${quoted(Object.keys(shells).join(" "))}
${lines.join("\n")}
`;
}

/**
 * The command `check`: finds out what is wrong with an endpoint before a long test does.
 *
 * @module
 */
import { parseBoolean, parseUrl } from "../../config/option_parsers.ts";
import { ConfigurationError } from "../../model/errors.ts";
import type { Arguments, Flag } from "../arguments.ts";
import { type Command, commonFlags, isOn } from "../command.ts";
import { outputFlags } from "../output_options.ts";
import { print } from "../print.ts";
import { outputWidth } from "../runtime.ts";
import { checkExitCode, checkExitCodes, formatCheck, formatCheckJson } from "./check_report.ts";
import { runCheck } from "./run_check.ts";

const checkFlags: readonly Flag[] = [
  {
    flag: "read-only",
    help: "Write no series: send only requests without any.",
    parse: parseBoolean,
  },
  { flag: "json", help: "Print the result as JSON.", parse: parseBoolean },
  {
    flag: "query-url",
    placeholder: "URL",
    help: "The query API. By default, it is derived from the write URL of Prometheus, Mimir or VictoriaMetrics.",
    parse: parseUrl,
  },
  // There is no log.
  ...commonFlags.filter(({ flag }) => ["quiet", "help"].includes(flag)),
];

export const check: Command = {
  name: "check",
  operands: "[URL]",
  summary: "Find out what is wrong with an endpoint, and what it would lose.",
  flags: checkFlags,
  options: outputFlags,
  examples: [
    "k6-remote-write check http://localhost:9090/api/v1/write --user ann",
    "k6-remote-write check --trend-as native --read-only",
  ],
  notes:
    `It reads the options as send does, so that the same flags, variables and files can be checked. The fault comes first, with \
what helps; then every step, with its verdict and time.
It writes up to 35 series with the name k6_remote_write_check, most with one sample, and marks them as ended. Where the server \
answers queries, it reads them back. With --quiet, it prints nothing unless there is a fault.
Exit codes: 0 nothing will be lost, 1 something will be lost, or it is not known whether the endpoint is a receiver, 2 nothing would \
arrive, or wrong usage.`,
  run: runCommand,
};

async function runCommand(given: Arguments): Promise<number> {
  const queryUrl = given.values.get("query-url");
  const report = await runCheck(withUrl(given), {
    readOnly: isOn(given, "read-only"),
    queryUrl: queryUrl === undefined ? undefined : String(queryUrl),
  });
  const exitCode = checkExitCode(report);
  if (isOn(given, "json")) await print(formatCheckJson(report));
  else if (!isOn(given, "quiet") || exitCode !== checkExitCodes.works) await print(formatCheck(report, outputWidth()));
  return exitCode;
}

/** Makes the operand the option `--url`. @throws ConfigurationError if there are two */
export function withUrl({ values, operands }: Arguments): Arguments {
  const [operand, second] = operands;
  if (operand === undefined) return { values, operands };
  if (second !== undefined || values.has("url")) {
    throw new ConfigurationError("Cannot check: there are two URLs, expected one: check URL, or check --url URL");
  }
  return { values: new Map([...values, ["url", parseUrl(operand, "the argument")]]), operands: [] };
}

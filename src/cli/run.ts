/**
 * `run`: k6, with its results sent while it runs.
 *
 * @module
 */
import { importFeatures } from "../config/import_features.ts";
import { parseText } from "../config/option_parsers.ts";
import { runId } from "../k6/output/run_id.ts";
import { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { type K6JsonReader, readK6Json } from "../k6/read/k6_json.ts";
import type { Arguments } from "./arguments.ts";
import { type Command, exitCodes } from "./command.ts";
import { commonFlags, logLevelOf } from "./flags.ts";
import { countOf, formatCount } from "./format.ts";
import { openJsonChannel } from "./json_channel.ts";
import { k6Flags, parseRunArguments, replaceOutputs } from "./k6_arguments.ts";
import { findK6, type K6End, type K6Process, startK6 } from "./k6_process.ts";
import { Log } from "./log.ts";
import { liveOptions, outputFlags, readOutputOptions, shownEndpoint } from "./output_options.ts";
import { reasonOf } from "../model/errors.ts";
import { environment, exitNow, onQuit, onSignal, outliveTerminal, sharesTerminal, signalsHandled } from "./runtime.ts";
import { formatSummary, isLoss, type RunTotals } from "./summary.ts";

/** The command. */
export const run: Command = {
  name: "run",
  operands: "[ARG...] script.js",
  summary: "Run k6 and send its results meanwhile.",
  flags: [
    {
      flag: "k6",
      placeholder: "PATH",
      help: "Which k6 to run; without it, that of K6_BIN, or the first in PATH. A script in its place must exec k6.",
      parse: parseText,
    },
    ...commonFlags,
  ].filter(({ flag }) => !k6Flags.includes(flag)),
  options: outputFlags.filter(({ flag }) => !k6Flags.includes(flag)),
  parse: parseRunArguments,
  notes: `Flags of this command may stand anywhere before --; all other arguments go to k6 as they are:
  k6-remote-write run --vus 10 --duration 30s script.js --url http://localhost:9090/api/v1/write
  k6-remote-write run script.js -o output-prometheus-remote
The outputs output-prometheus-remote, xk6-prometheus-rw and experimental-prometheus-rw are replaced
by this one, and what stands behind them (=url=...,mapping=raw) is read; others stay.
${k6Flags.map((flag) => `--${flag}`).join(", ")} are k6's:
use the variables instead. So that no script can read them, k6 does not get the variables
K6_PROMETHEUS_* and K6_OUT, nor AWS_ACCESS_KEY_ID and its like where requests are signed with them.
Unless there is a testid (a tag, a label or --testid), the run gets one.
At Ctrl-C and SIGTERM k6 stops in its own way, and what it still writes is sent; a second one, or
SIGQUIT, ends both at once.
Exit codes: k6's own; 1 if k6 ended with 0 and something was lost; 2 wrong usage, or no k6.`,
  run: (given) => new Running(given).run(),
};

/** Exit codes of k6 whose meaning is certain. */
const meanings: Readonly<Record<number, string>> = { 99: " (thresholds failed)", 105: " (interrupted)" };

/** As a shell shows it: 128 and the signal's number. */
const signalCodes = { SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/** k6 ends within it after a Ctrl-C, unless the script's teardown takes longer. */
const stopsWithinMs = 1000;

/** One run of the command. */
class Running {
  readonly #given: Arguments;
  readonly #log: Log;
  /** Fires when reading is to end although something is there. */
  readonly #stop = new AbortController();
  #k6: K6Process | undefined;
  #started = false;
  #interrupted: "SIGINT" | "SIGTERM" | undefined;
  #testid: string;
  #unreadable = false;

  constructor(given: Arguments) {
    this.#given = given;
    this.#log = new Log(logLevelOf(given), { clearsBelow: true });
    this.#testid = runId({ now: Date.now, random: Math.random });
  }

  async run(): Promise<number> {
    const started = performance.now();
    const { args, outputArgument } = replaceOutputs(this.#given.operands, environment.K6_OUT);
    const path = findK6(this.#given.values.get("k6")?.toString());
    const options = {
      ...liveOptions,
      ...readOutputOptions(this.#given, {
        warn: (message) => this.#log.say("warn", message),
        argument: outputArgument,
      }),
    };
    const { testid, labels } = options;
    if (testid !== "auto") this.#testid = testid ?? labels?.testid ?? this.#testid;
    const output = new RemoteWriteOutput({ ...importFeatures(options), testid: this.#testid });
    // Before anything is made that would be left behind.
    onSignal((signal) => this.#interrupt(signal));
    onQuit(() => void this.#abort("SIGQUIT"));
    outliveTerminal();
    const channel = openJsonChannel();
    await signalsHandled();
    if (this.#interrupted !== undefined) return signalCodes[this.#interrupted];
    const reader = readK6Json(channel.stream, { signal: this.#stop.signal });
    const reading = this.#read(reader, { output, blocks: options.overflow === "block" });
    output.start();
    let end: K6End;
    try {
      this.#started = true;
      this.#k6 = startK6(path, {
        args: ["run", "--out", `json=${channel.path}`, ...args],
        sigv4: options.sigv4,
      });
      end = await this.#k6.ended;
    } finally {
      this.#k6 = undefined;
      channel.end();
      await reading;
      channel.remove();
    }
    this.#log.progress("Sending what is left ...");
    const report = await output.close();
    this.#log.progress("");
    const account = { report, stats: output.stats, read: [reader.stats] };
    this.#log.say(
      "info",
      formatSummary({ ...account, endpoint: shownEndpoint(options), ms: performance.now() - started }),
    );
    return this.#conclude(end, account);
  }

  async #read(
    reader: K6JsonReader,
    { output, blocks }: { readonly output: RemoteWriteOutput; readonly blocks: boolean },
  ): Promise<void> {
    const { signal } = this.#stop;
    try {
      let first = true;
      for await (const samples of reader) {
        // The script's own tag goes before ours.
        if (first) this.#testid = samples[0]?.tags.testid ?? this.#testid;
        first = false;
        output.add(samples);
        if (blocks) await output.ready({ signal });
      }
      this.#unreadable = signal.aborted;
    } catch (error) {
      this.#unreadable = true;
      this.#log.say("error", `Cannot read k6's JSON: ${reasonOf(error)}`);
    }
  }

  /** Says in one line how k6 ended and what became of its results. */
  #conclude({ code, signal }: K6End, account: RunTotals): number {
    const foreign = account.read.some(({ skipped }) => skipped.foreign > 0);
    const lost = isLoss(account) || foreign || isEmpty(account) || this.#unreadable;
    const end = signal === undefined ? `k6 ended with ${code}${meanings[code] ?? ""}` : `k6 was ended by ${signal}`;
    this.#log.say(lost ? "error" : "info", `${end}; ${describeResults(account, lost)}; testid ${this.#testid}`);
    return code === 0 && lost ? exitCodes.lost : code;
  }

  #interrupt(signal: "SIGINT" | "SIGTERM"): void {
    if (this.#interrupted !== undefined) return void this.#abort(signal);
    this.#interrupted = signal;
    const k6 = this.#k6;
    this.#log.say("warn", `${signal}: ${this.#next()}; once more to end at once.`);
    if (k6 === undefined) this.#stop.abort();
    // A second one would make k6 stop at once: it must not get twice what the terminal sends it.
    else if (signal === "SIGINT" && sharesTerminal()) setTimeout(() => this.#explain(), stopsWithinMs);
    else k6.send(signal);
  }

  /** What happens after a signal. */
  #next(): string {
    if (!this.#started) return "k6 is not started";
    return this.#k6 === undefined ? "sending what is there" : "k6 stops, and what it still writes is sent";
  }

  /** Whether a SIGINT is the terminal's, and k6 has it too, cannot be seen. */
  #explain(): void {
    const pid = this.#k6?.pid;
    if (pid === undefined) return;
    this.#log.say(
      "warn",
      `k6 still runs. It has not got the SIGINT unless that was the terminal's Ctrl-C: kill -INT ${pid} stops it.`,
    );
  }

  async #abort(signal: "SIGINT" | "SIGQUIT" | "SIGTERM"): Promise<void> {
    const k6 = this.#k6;
    k6?.send("SIGKILL");
    await k6?.ended;
    exitNow(signalCodes[signal]);
  }
}

/** Whether there was nothing of k6's to be read. */
function isEmpty({ read }: RunTotals): boolean {
  return read.every(({ samples }) => samples === 0);
}

function describeResults(account: RunTotals, lost: boolean): string {
  const { samples, delivered, unknown } = account.report;
  const missing = samples - delivered - unknown;
  if (isEmpty(account)) return "no result of it could be read";
  if (missing > 0) return `${formatCount(missing)} of ${countOf(samples, "sample")} not delivered`;
  if (unknown > 0) return `${formatCount(unknown)} of ${countOf(samples, "sample")} perhaps not delivered`;
  if (lost) return `delivered ${countOf(samples, "sample")}, but not all that it wrote could be read`;
  return `delivered all ${countOf(samples, "sample")}`;
}

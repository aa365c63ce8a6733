/**
 * The command `run`: runs k6 and sends its results while it runs.
 *
 * @module
 */
import { parseString } from "../config/option_parsers.ts";
import { runId } from "../k6/output/run_id.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { type K6JsonReader, readK6Json } from "../k6/read/k6_json.ts";
import { reasonOf } from "../model/errors.ts";
import type { Arguments } from "./arguments.ts";
import { type Command, commonFlags, exitCodes, logLevelOf, signalExitCodes } from "./command.ts";
import { countOf, formatCount } from "./format.ts";
import { openJsonChannel } from "./json_channel.ts";
import { type K6Guard, startGuard } from "./k6_guard.ts";
import { k6Flags, parseRunArguments, replaceOutputs } from "./k6_arguments.ts";
import { environmentForK6, findK6, type K6End, type K6Process, startK6 } from "./k6_process.ts";
import { Log } from "./log.ts";
import { liveOptions, outputFlags, readOutputOptions, shownEndpoint } from "./output_options.ts";
import {
  builtin,
  environment,
  exitNow,
  onQuit,
  onSignal,
  outliveTerminal,
  sharesTerminal,
  signalsHandled,
} from "./runtime.ts";
import { formatSummary, lossesOf, type RunResult } from "./summary.ts";

/** The command `run`. */
export const run: Command = {
  name: "run",
  operands: "[ARG...] script.js",
  summary: "Run k6 and send its results while it runs.",
  flags: [
    {
      flag: "k6",
      placeholder: "PATH",
      help: "The k6 to run; by default that of K6_BIN, or the first in PATH. A wrapper script must exec k6.",
      parse: parseString,
    },
    ...commonFlags,
  ].filter(({ flag }) => !k6Flags.includes(flag)),
  options: outputFlags.filter(({ flag }) => !k6Flags.includes(flag)),
  parse: parseRunArguments,
  notes: `Flags of this command may be anywhere before --; k6 gets all other arguments unchanged:
  k6-remote-write run --vus 10 --duration 30s script.js --url http://localhost:9090/api/v1/write
  k6-remote-write run script.js -o output-prometheus-remote
This command replaces the outputs output-prometheus-remote, xk6-prometheus-rw and
experimental-prometheus-rw, and reads their options (=url=...,mapping=raw). k6 keeps other outputs.
${k6Flags.map((flag) => `--${flag}`).join(", ")} are flags of k6:
use the variables instead. k6 does not get the variables K6_PROMETHEUS_* and K6_OUT, so that no
script can read secrets in them; nor AWS_ACCESS_KEY_ID and the like if they sign the requests.
A run without a testid (a tag, a label or --testid) gets one.
At Ctrl-C or SIGTERM, k6 stops in its own way, and the rest of its results is sent. A second signal,
or SIGQUIT, ends both at once.
Exit codes: k6's own; 1 if k6 ended with 0 and something was lost; 2 wrong usage, or k6 is missing.`,
  run: (given) => new Running(given).run(),
};

/** k6 ends within this time after a Ctrl-C, unless the script's teardown takes longer. */
const stopsWithinMs = 1000;

/** The warning if k6 writes faster than this process reads. k6 keeps its samples in memory then, and does not slow the script. */
const k6Waits =
  "k6 has to wait until this process has read its results, so k6 needs more memory and ends later. run --light costs less CPU.";

/** One run of the command. */
class Running {
  readonly #given: Arguments;
  readonly #log: Log;
  /** Fires when reading must end although more may come. */
  readonly #stop = new AbortController();
  #k6: K6Process | undefined;
  #guard: K6Guard | undefined;
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
    const path = findK6(this.#given.values.get("k6")?.toString(), environment);
    const { raw, options: given } = readOutputOptions(this.#given, {
      warn: (message) => this.#log.say("warn", message),
      argument: outputArgument,
    });
    const options = { ...liveOptions, ...given };
    this.#testid = chooseTestid(options, this.#testid);
    const output = new RemoteWriteOutput({ ...options, testid: this.#testid });
    // Handle signals before anything temporary is made.
    onSignal((signal) => this.#interrupt(signal));
    onQuit(() => void this.#abort("SIGQUIT"));
    outliveTerminal();
    const channel = openJsonChannel(builtin("node:os").tmpdir(), () => this.#log.say("warn", k6Waits));
    this.#guard = await startGuard(channel.isFifo ? channel.path : undefined);
    await signalsHandled();
    if (this.#interrupted !== undefined) {
      this.#guard.release();
      return signalExitCodes[this.#interrupted];
    }
    const reader = readK6Json(channel.stream, { signal: this.#stop.signal });
    const reading = this.#read(reader, { output, blocks: options.overflow === "block" });
    output.start();
    let end: K6End;
    try {
      this.#started = true;
      this.#k6 = startK6(path, {
        args: ["run", "--out", `json=${channel.path}`, ...args],
        env: environmentForK6(environment, raw.sigv4),
      });
      end = await this.#k6.ended;
    } finally {
      this.#k6 = undefined;
      channel.end();
      await reading;
      channel.remove();
      this.#guard.release();
    }
    this.#log.progress("Sending the rest ...");
    const report = await output.close();
    this.#log.progress("");
    const totals = { report, stats: output.stats, read: [reader.stats] };
    const ms = performance.now() - started;
    this.#log.say("info", formatSummary({ ...totals, endpoint: shownEndpoint(options), ms }));
    const { code, lost, message } = concludeRun(end, { ...totals, unreadable: this.#unreadable });
    this.#log.say(lost ? "error" : "info", `${message}; testid ${this.#testid}`);
    return code;
  }

  async #read(
    reader: K6JsonReader,
    { output, blocks }: { readonly output: RemoteWriteOutput; readonly blocks: boolean },
  ): Promise<void> {
    const { signal } = this.#stop;
    try {
      let first = true;
      for await (const samples of reader) {
        // A testid that the script itself sets takes precedence.
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

  #interrupt(signal: "SIGINT" | "SIGTERM"): void {
    if (this.#interrupted !== undefined) return void this.#abort(signal);
    this.#interrupted = signal;
    const k6 = this.#k6;
    this.#log.say("warn", `${signal}: ${this.#next()}. A second signal ends the command at once.`);
    if (k6 === undefined) this.#stop.abort();
    else void this.#forward(signal, k6);
  }

  /** Hands a signal to k6, unless k6 has got it, too: it must not get it twice, because it stops at once at the second one. */
  async #forward(signal: "SIGINT" | "SIGTERM", k6: K6Process): Promise<void> {
    const hasGotIt = await this.#guard?.signalWentToGroup();
    if (hasGotIt === undefined && signal === "SIGINT" && sharesTerminal()) {
      setTimeout(() => this.#explain(), stopsWithinMs);
    } else if (hasGotIt !== true) k6.send(signal);
  }

  /** Says what happens after a signal. */
  #next(): string {
    if (!this.#started) return "k6 is not started";
    return this.#k6 === undefined ? "sending the rest of the results" : "k6 stops, and the rest of its results is sent";
  }

  /** Warns that k6 still runs: without a guard, this process cannot see whether a SIGINT came from the terminal, and so reached k6, too. */
  #explain(): void {
    const pid = this.#k6?.pid;
    if (pid === undefined) return;
    this.#log.say(
      "warn",
      `k6 still runs. Unless you pressed Ctrl-C, it did not get the SIGINT: kill -INT ${pid} stops it.`,
    );
  }

  async #abort(signal: "SIGINT" | "SIGQUIT" | "SIGTERM"): Promise<void> {
    const k6 = this.#k6;
    k6?.send("SIGKILL");
    await k6?.ended;
    this.#guard?.release();
    exitNow(signalExitCodes[signal]);
  }
}

/** Returns the testid that the options set, or the one that was made for the run. */
export function chooseTestid({ testid, labels }: RemoteWriteOutputOptions, made: string): string {
  return testid === "auto" ? made : testid ?? labels?.testid ?? made;
}

/** The exit codes of k6 that have one meaning. */
const meanings: Readonly<Record<number, string>> = { 99: " (thresholds failed)", 105: " (interrupted)" };

/** The result of a run. */
export interface RunConclusion {
  /** The exit code: k6's own, or 1 if k6 ended with 0 and something was lost. */
  readonly code: number;
  /** Whether results were lost, or could not be read. */
  readonly lost: boolean;
  /** How k6 ended, and what happened to its results; one line. */
  readonly message: string;
}

/**
 * Decides how a run ends.
 *
 * @param totals unreadable: the reading of k6's JSON failed or was broken off
 */
export function concludeRun(
  { code, signal }: K6End,
  { unreadable, ...totals }: RunResult & { readonly unreadable: boolean },
): RunConclusion {
  const { report: { samples, delivered, unknown }, read } = totals;
  const isEmpty = read.every((input) => input.samples === 0);
  const lost = lossesOf(totals).length > 0 || read.some(({ skipped }) => skipped.foreign > 0) || isEmpty || unreadable;
  const missing = samples - delivered - unknown;
  const all = countOf(samples, "sample");
  const results = isEmpty
    ? "none of its results could be read"
    : missing > 0
    ? `${formatCount(missing)} of ${all} not delivered`
    : unknown > 0
    ? `${formatCount(unknown)} of ${all} perhaps not delivered`
    : lost
    ? `delivered ${all}, but some of its results could not be read`
    : `delivered all ${all}`;
  const end = signal === undefined ? `k6 ended with ${code}${meanings[code] ?? ""}` : `${signal} ended k6`;
  return { code: code === 0 && lost ? exitCodes.lost : code, lost, message: `${end}; ${results}` };
}

/**
 * The command `run`: runs k6 and sends its results while it runs.
 *
 * @module
 */
import { parseBoolean, parseString } from "../config/option_parsers.ts";
import { withFeatureArguments } from "../config/k6_features.ts";
import type { RawOptions } from "../config/raw_options.ts";
import { runId } from "../k6/output/run_id.ts";
import { k6OptionDefinitions, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { resolveOptions } from "../k6/output/resolve_options.ts";
import { readK6Json } from "../k6/read/k6_json.ts";
import type { K6Reader, K6ReadStats } from "../k6/read/k6_reader.ts";
import type { Sample } from "../k6/sample.ts";
import { reasonOf } from "../model/errors.ts";
import type { Arguments } from "./arguments.ts";
import { readLocalRun } from "./cloud_run.ts";
import { preflight, requireEndpointFlag } from "./check/preflight.ts";
import { closeOutput } from "./close_output.ts";
import { type Command, commonFlags, exitCodes, isOn, openLog, signalExitCodes } from "./command.ts";
import { countOf, formatAbout, formatCount } from "./format.ts";
import { openJsonChannel } from "./json_channel.ts";
import { type K6Guard, startGuard } from "./k6_guard.ts";
import { k6Flags, k6LogFormat, parseRunArguments, replaceOutputs } from "./k6_arguments.ts";
import { describeEnd, endedRegularly } from "./k6_exit_codes.ts";
import { environmentForK6, findK6, type K6End, type K6Process, startK6 } from "./k6_process.ts";
import { LightRun } from "./light_run.ts";
import { liveFlags, parsePort, uiFlag } from "./live/live_flags.ts";
import { LiveRun } from "./live/live_run.ts";
import type { Log } from "./log.ts";
import { explainMisspeltFlag } from "./misspelt_flag.ts";
import { liveOptions, outputFlags, readOutputOptions, shownEndpoint } from "./output_options.ts";
import { reportFlag } from "./report/report.ts";
import {
  builtin,
  environment,
  exitNow,
  onQuit,
  onSignal,
  outliveTerminal,
  senderName,
  sharesTerminal,
  signalsHandled,
  stderrIsTerminal,
} from "./runtime.ts";
import { grafanaLink, grafanaUrlFlag, queryOf, type RunLinks } from "./run_links.ts";
import { needsInstance } from "./segments.ts";
import { openSpool, spoolOptions } from "./spool.ts";
import { formatSummary, hasFatalLoss, lossesOf, type LossPolicy, progressParts, type RunResult } from "./summary.ts";
import { summaryJsonFlag, writeSummaryJson } from "./summary_json.ts";
import { TagNotices } from "./tag_notices.ts";

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
    {
      flag: "light",
      help: "Let k6 aggregate, which takes less CPU. Options that need every sample are errors then.",
      parse: parseBoolean,
    },
    requireEndpointFlag,
    grafanaUrlFlag,
    summaryJsonFlag,
    uiFlag(
      "Serve a live page of the results on this machine. Without --url, the results are sent nowhere else.",
      false,
    ),
    {
      flag: "port",
      placeholder: "NUMBER",
      help: "The port of the live page; by default 5665, or a free port if that one is in use.",
      parse: parsePort,
    },
    ...liveFlags,
    reportFlag,
    ...commonFlags,
  ].filter(({ flag }) => !k6Flags.includes(flag)),
  options: outputFlags.filter(({ flag }) => !k6Flags.includes(flag)),
  parse: parseRunArguments,
  examples: [
    "k6-remote-write run --vus 10 --duration 30s script.js --url http://localhost:9090/api/v1/write",
    "k6-remote-write run script.js -o output-prometheus-remote",
    "k6-remote-write run --light script.js",
  ],
  notes: `Flags of this command may be anywhere before --; k6 gets all other arguments unchanged.
This command replaces the outputs output-prometheus-remote, xk6-prometheus-rw and experimental-prometheus-rw, and reads their \
options (=url=...,mapping=raw). k6 keeps other outputs.
${
    k6Flags.map((flag) => `--${flag}`).join(", ")
  } and all flags of one letter are flags of k6: use the variables instead, such as K6_PROMETHEUS_RW_CONFIG=FILE. k6 does \
not get the variables K6_PROMETHEUS_* and K6_OUT, so that no script can read secrets in them; nor AWS_ACCESS_KEY_ID and the like \
if they sign the requests.
With --light, k6's own output aggregates and sends its series to this command, which delivers them. k6's defaults hold then: \
p(99) of trends, every 5 s. --trend-stats and --flush-period change them.
A run without a testid (a tag, a label or --testid) gets one. A run of an --execution-segment gets an instance, unless it has one.
At Ctrl-C or SIGTERM, k6 stops in its own way, and the rest of its results is sent. A second signal, or SIGQUIT, ends both at once.
cloud run --local-execution script.js runs as k6 run --out cloud, because k6 cloud run has no other output. k6's --features and \
K6_FEATURES have the effect that they have on k6's own output.
Exit codes: k6's own; 1 if k6 ended with 0 and something was lost, unless --on-loss is warn; 2 wrong usage, or k6 is missing.`,
  run: (given) => new Running(given).run(),
};

/** How often the progress is brought up to date, in milliseconds. */
const progressPeriodMs = 1000;

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
  #observed = false;
  #notices: TagNotices | undefined;

  constructor(given: Arguments) {
    this.#given = given;
    const format = k6LogFormat(given.operands, environment.K6_LOG_FORMAT);
    this.#log = openLog(given, { clearsBelow: true, format });
    this.#testid = runId({ now: Date.now, random: Math.random });
  }

  readonly #warn = (message: string): void => this.#log.say("warn", message);

  async run(): Promise<number> {
    const started = performance.now();
    const from = Date.now();
    const { args: localArgs, isCloud, notice } = readLocalRun(this.#given.operands);
    if (notice !== undefined) this.#log.say("warn", notice);
    const { args, outputArgument, isPresentOutput, namesOutput } = replaceOutputs(localArgs, environment.K6_OUT);
    const path = findK6(this.#given.values.get("k6")?.toString(), environment);
    const read = readOutputOptions(this.#given, {
      warn: this.#warn,
      debug: this.#log.debug,
      argument: outputArgument,
      isPresentOutput,
      env: withFeatureArguments(environment, args),
    });
    const { raw, options: given, ...policy } = read;
    this.#testid = chooseTestid(given, this.#testid);
    const spool = openSpool(raw, this.#log);
    const testid = this.#testid;
    const isLight = isOn(this.#given, "light");
    const live = LiveRun.from(this.#given, {
      ...{ files: [scriptOf(args)], raw, isLight, namesOutput, startsRun: true, log: this.#log },
    });
    const own = { ...liveOptions, ...spoolOptions(spool), ...this.#withInstance(given, args), testid };
    const options = live?.outputOptions(own) ?? own;
    this.#notices = new TagNotices(given, { output: options, warn: this.#warn });
    const light = isLight ? this.#lightRun(raw, options) : undefined;
    const output = new RemoteWriteOutput(light?.outputOptions ?? options);
    // Handle signals before anything temporary is made.
    onSignal((signal) => this.#interrupt(signal));
    onQuit(() => void this.#abort("SIGQUIT"));
    outliveTerminal();
    const required = isOn(this.#given, "require-endpoint");
    const isSent = live?.sendsNowhere !== true;
    if (isSent && !await preflight({ ...read, options }, { required, log: this.#log })) return exitCodes.usage;
    await light?.listen(output);
    await live?.open();
    const channel = light === undefined
      ? openJsonChannel(builtin("node:os").tmpdir(), () => this.#log.say("warn", k6Waits))
      : undefined;
    this.#guard = await startGuard(channel?.isFifo === true ? channel.path : undefined);
    await signalsHandled();
    if (this.#interrupted !== undefined) {
      this.#guard.release();
      return signalExitCodes[this.#interrupted];
    }
    const reader = channel && readK6Json(channel.stream, { signal: this.#stop.signal });
    const reading = reader && this.#read(reader, { output, live, blocks: options.overflow === "block" });
    output.start();
    // On a terminal, k6 shows its own progress.
    const progress = stderrIsTerminal ? undefined : setInterval(() => this.#showProgress(output), progressPeriodMs);
    let end: K6End;
    try {
      this.#started = true;
      const env = environmentForK6(environment, [raw, ...raw.endpoints ?? []].map(({ sigv4 }) => sigv4));
      const all = isCloud ? ["--out", "cloud", ...args] : args;
      const start = light?.start({ args: all, env }) ?? { args: ["--out", `json=${channel?.path}`, ...all], env };
      this.#k6 = startK6(path, { ...start, args: ["run", ...start.args] });
      end = await this.#k6.ended;
    } finally {
      this.#k6 = undefined;
      channel?.end();
      await reading;
      channel?.remove();
      this.#guard.release();
      await light?.close();
      clearInterval(progress);
    }
    this.#log.progress("Sending the rest ...");
    const unreadable = this.#unreadable || light?.isUnreadable === true;
    const report = await closeOutput(output, {
      timeoutMs: resolveOptions(options).closeTimeoutMs,
      log: this.#log,
      // The verdict must be able to see that the results are not those of the whole run.
      ended: endedRegularly(end) && !unreadable,
    });
    this.#log.progress("");
    const isReported = await live?.close(report, { end, isPart: unreadable }) ?? true;
    const inputs = [reader, light].flatMap((source) => source === undefined ? [] : [source.stats]);
    const totals = { report, stats: output.stats, read: inputs };
    const endpoint = live?.sendsNowhere === true ? LiveRun.nowhere : shownEndpoint(options);
    const ms = performance.now() - started;
    const summary = { ...totals, endpoint, testid: this.#testid, ms, log: this.#log };
    if (measuredNothing(end, totals)) {
      const misspelt = explainMisspeltFlag(args, [...run.flags, ...run.options]);
      this.#log.say("error", `${describeEnd(end)} before it measured anything, so nothing was sent`);
      if (misspelt !== undefined) this.#log.say("error", misspelt);
      writeSummaryJson(this.#given, { ...summary, exitCode: end.code });
      return end.code;
    }
    const isStored = live?.sendsNowhere !== true && report.delivered + report.unknown > 0;
    const links = isStored ? this.#links(options, from) : undefined;
    this.#log.say("info", formatSummary({ ...totals, ...links, endpoint, ms, received: light?.received, spool }));
    const { code: concluded, lost, isFatal, message } = concludeRun(end, { ...totals, ...policy, unreadable });
    this.#log.say(isFatal ? "error" : lost ? "warn" : "info", `${message}; testid ${this.#testid}`);
    const code = concluded === exitCodes.ok && !isReported ? exitCodes.lost : concluded;
    const isWritten = writeSummaryJson(this.#given, { ...summary, exitCode: code });
    return isWritten || code !== 0 ? code : exitCodes.lost;
  }

  /** Says where the run can be seen. */
  #links({ prefix = k6OptionDefinitions.prefix.default }: RemoteWriteOutputOptions, from: number): RunLinks {
    const run = { testid: this.#testid, prefix, from, to: Date.now() };
    const url = this.#given.values.get(grafanaUrlFlag.flag)?.toString();
    return { query: queryOf(run), grafana: url === undefined ? undefined : grafanaLink(url, run) };
  }

  #lightRun(raw: RawOptions, options: RemoteWriteOutputOptions): LightRun {
    return new LightRun({
      raw,
      options,
      warn: this.#warn,
      onSamples: (samples) => this.#observe(samples),
    });
  }

  /** Adds an instance if k6 runs one of several segments and nothing distinguishes them. */
  #withInstance(options: RemoteWriteOutputOptions, args: readonly string[]): RemoteWriteOutputOptions {
    if (!needsInstance(options, { args, env: environment })) return options;
    const instance = senderName();
    this.#log.say(
      "info",
      `k6 runs one segment of a test, so its series get the label instance="${instance}". --instance NAME sets another one.`,
    );
    return { ...options, instance };
  }

  #showProgress(output: RemoteWriteOutput): void {
    const { stats } = output;
    const lag = stats.lagMs > progressPeriodMs ? [`${formatAbout(stats.lagMs)} behind`] : [];
    this.#log.progress([...progressParts(stats), ...lag].join(", "));
  }

  async #read(
    reader: K6Reader,
    { output, live, blocks }: {
      readonly output: RemoteWriteOutput;
      readonly live: LiveRun | undefined;
      readonly blocks: boolean;
    },
  ): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const samples of reader) {
        this.#observe(samples);
        output.add(samples);
        live?.add(samples);
        if (blocks) await output.ready({ signal });
      }
      this.#unreadable = signal.aborted;
    } catch (error) {
      this.#unreadable = true;
      this.#log.say("error", `Cannot read k6's JSON: ${reasonOf(error)}`);
    }
  }

  /** Looks at samples before the output gets them. A testid that the script itself sets takes precedence. */
  #observe(samples: readonly Sample[]): void {
    const [first] = samples;
    this.#notices?.check(samples);
    if (this.#observed || first === undefined) return;
    this.#observed = true;
    this.#testid = first.tags.testid ?? this.#testid;
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

/** Returns what the arguments of k6 run, as the user wrote it. */
function scriptOf(args: readonly string[]): string {
  return args.findLast((argument) => /\.(?:[cm]?[jt]s|tar)$/.test(argument)) ?? "k6 run";
}

/** Returns the testid that the options set, or the one that was made for the run. */
export function chooseTestid({ testid, labels }: RemoteWriteOutputOptions, made: string): string {
  return testid === "auto" ? made : testid ?? labels?.testid ?? made;
}

/** Reports whether k6 failed before it measured anything. Its own message, which is above, says why. */
export function measuredNothing({ code }: K6End, { report, read }: Omit<RunResult, "stats">): boolean {
  const isEmpty = ({ samples, skipped }: K6ReadStats): boolean =>
    samples === 0 && Object.values(skipped).every((lines) => lines === 0);
  return code !== 0 && report.samples === 0 && read.every(isEmpty);
}

/** The result of a run. */
interface RunConclusion {
  /** The exit code: k6's own, or 1 if k6 ended with 0 and a loss is a failure. */
  readonly code: number;
  /** Whether results were lost, or could not be read. */
  readonly lost: boolean;
  /** Whether a loss is a failure of the command. */
  readonly isFatal: boolean;
  /** How k6 ended, and what happened to its results; one line. */
  readonly message: string;
}

/**
 * Decides how a run ends.
 *
 * @param totals unreadable: the reading of k6's JSON failed or was broken off; with the losses that are failures
 */
export function concludeRun(
  end: K6End,
  { unreadable, failsOnLoss = true, failsOnLossAt = [], ...totals }: RunResult & Partial<LossPolicy> & {
    readonly unreadable: boolean;
  },
): RunConclusion {
  const { code } = end;
  const { report: { samples, delivered, unknown }, read } = totals;
  const isEmpty = read.every((input) => input.samples === 0);
  const isDamaged = read.some(({ skipped }) => skipped.foreign > 0) || isEmpty || unreadable;
  const lost = lossesOf(totals).length > 0 || isDamaged;
  const isFatal = hasFatalLoss(totals, { failsOnLoss, failsOnLossAt }) || (failsOnLoss && isDamaged);
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
  return {
    code: code === 0 && isFatal ? exitCodes.lost : code,
    lost,
    isFatal,
    message: `${describeEnd(end)}; ${results}`,
  };
}

/**
 * The command `send`: reads k6's results, recorded or live, and sends them.
 *
 * @module
 */
import type { CheckpointOptions } from "../k6/output/checkpointed_windows.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { RawOptions } from "../config/raw_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { resolveOptions } from "../k6/output/resolve_options.ts";
import { AutoReader } from "../k6/read/auto_reader.ts";
import type { K6ReadOptions, K6ReadStats } from "../k6/read/k6_reader.ts";
import type { Arguments } from "./arguments.ts";
import { Checkpoint } from "./checkpoint.ts";
import { preflight } from "./check/preflight.ts";
import { closeOutput } from "./close_output.ts";
import { type Command, exitCodes, isOn, openLog, signalExitCodes } from "./command.ts";
import { DryRun } from "./dry_run.ts";
import { fileProblem } from "./file_problem.ts";
import { countOf, formatAbout, formatBytes, formatCount } from "./format.ts";
import { openInput } from "./input.ts";
import { describeContent } from "./input_content.ts";
import { describeUnknownMetrics } from "./metric_type.ts";
import { LiveRun } from "./live/live_run.ts";
import type { Log } from "./log.ts";
import { liveOptions, outputFlags, readOutputOptions, shownEndpoint } from "./output_options.ts";
import { OpenMetrics } from "./open_metrics.ts";
import { followFile } from "./follow.ts";
import { passOn, print } from "./print.ts";
import { builtin, exitNow, onExit, onSignal, readsFromFile, senderName, sizeOfFiles, toStream } from "./runtime.ts";
import { readSendArguments, type SendArguments, sendFlags } from "./send_arguments.ts";
import { openSpool, spoolOptions } from "./spool.ts";
import { TagNotices } from "./tag_notices.ts";
import {
  formatRows,
  formatSummary,
  hasFatalLoss,
  lossesOf,
  progressParts,
  readRows,
  type RunResult,
} from "./summary.ts";
import { writeSummaryJson } from "./summary_json.ts";

const progressPeriodMs = 250;

export const send: Command = {
  name: "send",
  operands: "[FILE...]",
  summary: "Send k6's JSON or CSV output, from files (also gzipped) or standard input.",
  options: outputFlags,
  flags: sendFlags,
  examples: [
    "k6-remote-write run.json.gz --url http://localhost:9090/api/v1/write",
    "k6-remote-write run.json.gz --shift-to-now --instance auto",
    "k6 run --quiet -o json=- script.js | k6-remote-write",
  ],
  notes: `Without FILE, or with -, it reads standard input, and prints the lines that are not from k6.
With --follow, windows are made by the clock, and a signal ends the waiting. A file that is truncated, rewritten or replaced is \
read from its beginning again.
At SIGTERM it sends the samples that it has read, and ends. At SIGINT (Ctrl-C) it first waits for the end of standard input. A \
second signal ends it at once.
Exit codes: 0 everything was delivered, 1 something was lost or could not be read, 2 wrong usage.`,
  run: (given) => new Sending(given).run(),
};

/** One run of the command. */
class Sending {
  readonly #given: Arguments;
  readonly #args: SendArguments;
  readonly #log: Log;
  /** Fires when reading must end. */
  readonly #stop = new AbortController();
  /** Fires when waiting for deliveries must end. */
  readonly #giveUp = new AbortController();
  readonly #read: K6ReadStats[] = [];
  readonly #openMetrics = new OpenMetrics();
  /** The number of samples of each file, counted when --shift-to-now read it. */
  readonly #counted = new Map<string, number>();
  #interrupted: "SIGINT" | "SIGTERM" | undefined;
  #broken = false;
  /** The size of the input files, and how much of it was read, in bytes. */
  #totalBytes = 0;
  #readBytes = 0;
  /** When the sending began, on the clock that only rises, in milliseconds. */
  #startedAt = 0;

  constructor(given: Arguments) {
    this.#given = given;
    this.#args = readSendArguments(given);
    this.#log = openLog(given);
  }

  async run(): Promise<number> {
    const started = performance.now();
    const { paths, live, shiftToNow, dryRun, openMetrics } = this.#args;
    const warn = (message: string): void => this.#log.say("warn", message);
    const read = readOutputOptions(this.#given, {
      warn,
      debug: this.#log.debug,
      sendsNothing: dryRun || openMetrics !== undefined,
      uselessAdvice: shiftToNow ? ["tooOld"] : [],
    });
    const { raw, options: given, ...policy } = read;
    if (!live && raw.spoolFolder !== undefined) {
      throw new ConfigurationError(
        "Cannot use --spool with recorded files, which can be read again: expected standard input, or --checkpoint instead",
      );
    }
    const spool = openSpool(raw, this.#log);
    const shown = LiveRun.from(this.#given, { files: paths, raw, log: this.#log });
    const own: RemoteWriteOutputOptions = {
      ...spoolOptions(spool),
      ...(live ? liveOptions : { windows: "event", overflow: "block" } as const),
      ...given,
    };
    const options = shown?.outputOptions(own) ?? own;
    await shown?.open();
    const checkpoint = await this.#openCheckpoint(raw, options);
    const dry = this.#openDryRun(raw);
    const output = new RemoteWriteOutput({
      ...dry?.options(options) ?? options,
      checkpoint: checkpoint && this.#recordIn(checkpoint),
    });
    const { closeTimeoutMs, sleep } = resolveOptions(options);
    const afterTimeout = (controller: AbortController): void =>
      void sleep(closeTimeoutMs, controller.signal).then(() => controller.abort());
    onSignal((signal) => this.#interrupt(signal, afterTimeout));
    const required = isOn(this.#given, "require-endpoint");
    const isSent = dry === undefined && shown?.sendsNowhere !== true;
    if (isSent && !await preflight({ ...read, options }, { required, log: this.#log })) {
      return exitCodes.usage;
    }
    const progress = setInterval(() => this.#showProgress(output), progressPeriodMs);
    if (live) output.start();
    const shiftMs = checkpoint?.shiftMs ?? await this.#findShiftMs();
    if (!this.#stop.signal.aborted) await checkpoint?.begin(shiftMs);
    const blocks = !live || options.overflow === "block";
    const notices = new TagNotices(given, { output: options, warn });
    this.#totalBytes = this.#args.follow ? 0 : sizeOfFiles(paths);
    this.#startedAt = performance.now();
    for (const path of paths) await this.#sendInput(path, output, { shiftMs, blocks, notices, shown });
    const interrupted = live ? undefined : this.#interrupted;
    // A line that is cut off is the end of what k6 wrote before it was killed.
    const isTorn = this.#read.some(({ skipped }) => skipped.torn > 0);
    const isPart = this.#broken || interrupted !== undefined || isTorn;
    // Wait for recorded samples as long as it takes: each request has its own deadline.
    const report = await closeOutput(output, {
      log: this.#log,
      timeoutMs: live ? closeTimeoutMs : Infinity,
      signal: this.#giveUp.signal,
      // An incomplete window is left to the same command, which sends the whole window.
      flush: checkpoint === undefined || !this.#stop.signal.aborted,
      // Of a part of a recording, no threshold is known.
      ended: !isPart,
    });
    clearInterval(progress);
    this.#log.progress("");
    const isReported = await shown?.close(report, { isPart }) ?? true;
    if (!this.#stop.signal.aborted) checkpoint?.checkWindows(output.stats.windows);
    const totals = { report, stats: output.stats, read: this.#read };
    const ms = performance.now() - started;
    const endpoint = shown?.sendsNowhere === true ? LiveRun.nowhere : shownEndpoint(options);
    if (dry === undefined) this.#log.say("info", formatSummary({ ...totals, endpoint, interrupted, spool, ms }));
    else await this.#endDryRun(dry, { ...totals, interrupted });
    const losses = lossesOf(totals);
    const isFatal = hasFatalLoss(totals, policy);
    if (losses.length > 0) this.#log.say(isFatal ? "error" : "warn", `Not everything was sent: ${losses.join(", ")}`);
    const failed = isFatal || this.#broken || !isReported || interrupted !== undefined;
    const exitCode = failed ? exitCodes.lost : exitCodes.ok;
    const summary = { ...totals, endpoint, testid: options.testid, ms, exitCode, log: this.#log };
    return writeSummaryJson(this.#given, summary) ? exitCode : exitCodes.lost;
  }

  /** Opens what takes the place of the endpoint, if nothing is to be sent. */
  #openDryRun({ trendAs, endpoints = [] }: RawOptions): DryRun | undefined {
    const { dryRun, openMetrics } = this.#args;
    if (!dryRun && openMetrics === undefined) return undefined;
    if (endpoints.some(({ labels, relabelConfigs }) => (labels ?? relabelConfigs) !== undefined)) {
      this.#log.say(
        "warn",
        "The dry run leaves out the labels and the relabelling that endpoints have of their own.",
      );
    }
    if (openMetrics === undefined) return new DryRun();
    if (trendAs === "native") {
      throw new ConfigurationError(
        "Cannot use --openmetrics with native histograms: the text cannot hold them, expected --trend-as stats or histogram",
      );
    }
    return new DryRun({ onSeries: (timeSeries) => this.#openMetrics.add(timeSeries) });
  }

  /** Shows what would have been sent, and writes it as OpenMetrics if that is wanted. */
  async #endDryRun(
    dry: DryRun,
    { report, ...result }: RunResult & { readonly interrupted: string | undefined },
  ): Promise<void> {
    const { openMetrics: path } = this.#args;
    await print(`${formatRows([...readRows(result), ...dry.rows(report)]).join("\n")}\n`);
    if (path === undefined) return void (dry.advice !== undefined && this.#log.say("warn", dry.advice));
    const { openSync, writeFileSync, closeSync } = builtin("node:fs");
    try {
      const file = openSync(path, "w");
      // One call of writeSync may write only a part, for example to a full disk.
      for (const piece of this.#openMetrics.text()) writeFileSync(file, piece);
      closeSync(file);
      this.#log.say(
        "info",
        `Wrote ${path}. promtool tsdb create-blocks-from openmetrics ${path} DIR makes blocks of it.`,
      );
    } catch (error) {
      this.#broken = true;
      this.#log.say("error", `Cannot write "${path}": ${reasonOf(error)}`);
    }
  }

  async #openCheckpoint(raw: RawOptions, options: RemoteWriteOutputOptions): Promise<Checkpoint | undefined> {
    const { checkpoint: path, paths, shiftToNow, metrics } = this.#args;
    if (path === undefined) return undefined;
    if (options.selfMetrics === true) {
      throw new ConfigurationError(
        "Cannot use --checkpoint with --self-metrics: a continued run cannot repeat the same values of them",
      );
    }
    for (const label of ["instance", "testid"] as const) {
      if (options[label] !== "auto" && options[label] !== senderName()) continue;
      throw new ConfigurationError(
        `Cannot use --checkpoint: --${label} is "auto", expected a value that is the same in every run`,
      );
    }
    const checkpoint = await Checkpoint.open(path, { files: paths, raw, shiftToNow, metrics });
    onExit(() => checkpoint.close());
    const { windowsSent } = checkpoint;
    if (windowsSent !== undefined) {
      this.#log.say("info", `Continuing from ${path}: earlier runs sent ${countOf(windowsSent, "window")}.`);
    }
    return checkpoint;
  }

  /** Records each window that was delivered, and ends the run at the first that was not: the next run begins there. */
  #recordIn(checkpoint: Checkpoint): CheckpointOptions {
    const onWindow: CheckpointOptions["onWindow"] = async ({ index, acknowledged }) => {
      try {
        if (acknowledged) return await checkpoint.record(index + 1);
        // The waiting windows fail, too; say it once.
        if (!this.#stop.signal.aborted) {
          this.#log.say(
            "error",
            "The endpoint did not acknowledge a window, so the run ends. The same command continues there.",
          );
        }
      } catch (error) {
        this.#broken = true;
        this.#log.say("error", reasonOf(error));
        throw error;
      } finally {
        if (!acknowledged || this.#broken) this.#stop.abort();
      }
    };
    return { windowsSent: checkpoint.windowsSent, onWindow };
  }

  async #sendInput(
    path: string,
    output: RemoteWriteOutput,
    { shiftMs, blocks, notices, shown }: {
      readonly shiftMs: number;
      readonly blocks: boolean;
      readonly notices: TagNotices;
      readonly shown: LiveRun | undefined;
    },
  ): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const name = path === "-" ? "standard input" : path;
    // Messages that k6 prints now are passed on as they are. A recording may come from anywhere, so its messages are escaped.
    const pass = joiner(readsFromFile() ? print : passOn);
    const onForeignLine = (line: string, continues: boolean): Promise<void> => pass(continues ? line : `${line}\n`);
    const reader = this.#args.follow
      ? this.#readerOf(toStream(this.#follow(path)))
      : this.#readerOf(openInput(path, (bytes) => this.#readBytes += bytes), {
        signal: this.#stop.signal,
        ...(path === "-" && { onForeignLine }),
      });
    let failed = false;
    try {
      for await (const samples of reader) {
        notices.check(samples);
        const moved = shiftMs === 0 ? samples : samples.map((sample) => ({ ...sample, time: sample.time + shiftMs }));
        output.add(moved);
        shown?.add(moved);
        // The endpoint may refuse all requests: then the rest need not be read.
        if (blocks && !await output.ready({ signal: this.#stop.signal })) this.#stop.abort();
      }
    } catch (error) {
      failed = true;
      const canContinue = this.#args.checkpoint !== undefined;
      const rest = canContinue ? "; the next run continues with the incomplete window" : "";
      this.#cannotRead(`all of ${name}: ${fileProblem(error)}${rest}`);
      if (canContinue) this.#stop.abort();
    }
    if (!this.#stop.signal.aborted && !failed) this.#checkRead(path, reader);
    const { lines, bytes } = reader.stats;
    this.#log.say("debug", `Read ${countOf(lines, "line")} (${formatBytes(bytes)}) of ${name}`);
    this.#read.push(reader.stats);
  }

  #readerOf(stream: ReadableStream<Uint8Array>, options: K6ReadOptions = {}): AutoReader {
    return new AutoReader(stream, { ...options, metrics: this.#args.metrics });
  }

  /** Says what a user should know about an input, such as that it is probably not the intended one. */
  #checkRead(path: string, { stats, start }: AutoReader): void {
    const { samples, skipped, unknownMetrics, invalidUtf8 } = stats;
    const name = path === "-" ? "standard input" : path;
    if (invalidUtf8 > 0) {
      const changed = `in ${countOf(invalidUtf8, "sample")}, other bytes became U+FFFD`;
      this.#log.say("warn", `${name} is not all UTF-8: ${changed}. Series that differ only there are sent as one.`);
    }
    if (unknownMetrics.length > 0) {
      this.#cannotRead(`all of ${name}: ${describeUnknownMetrics(unknownMetrics, skipped.unknownMetric)}`);
    } else if (samples === 0 && this.#interrupted === undefined) {
      this.#cannotRead(`${name}: ${describeContent(stats, { path, start })}`);
    }
    const counted = this.#counted.get(path) ?? 0;
    if (samples < counted) {
      this.#cannotRead(`all of ${path}: it had ${counted} samples at the first reading, and ${samples} at the second`);
    }
  }

  /** Reads a file that grows; ends when reading must end, after what the file holds by then. */
  #follow(path: string): AsyncGenerator<Uint8Array> {
    return followFile(path, {
      signal: this.#stop.signal,
      idleTimeoutMs: this.#args.idleTimeoutMs,
      onRestart: (reason) => this.#log.say("warn", `${path} was ${reason}; it is read from its beginning again.`),
    });
  }

  /** Returns the time by which to move all samples for --shift-to-now: the age of the newest one. Returns 0 without the flag. */
  async #findShiftMs(): Promise<number> {
    if (!this.#args.shiftToNow) return 0;
    let latest = -Infinity;
    for (const path of this.#args.paths) {
      const reader = this.#readerOf(openInput(path), { signal: this.#stop.signal });
      try {
        for await (const samples of reader) {
          for (const { time } of samples) latest = Math.max(latest, time);
        }
        this.#counted.set(path, reader.stats.samples);
      } catch {
        // The second reading reports the error.
      }
    }
    return latest === -Infinity ? 0 : Date.now() - latest;
  }

  #cannotRead(what: string): void {
    this.#broken = true;
    this.#log.say("error", `Cannot read ${what}`);
  }

  #interrupt(signal: "SIGINT" | "SIGTERM", afterTimeout: (controller: AbortController) => void): void {
    const { live, follow } = this.#args;
    if (this.#interrupted !== undefined) exitNow(signalExitCodes[signal]);
    this.#interrupted = signal;
    this.#log.say("warn", `${signal}: sending what was read. A second signal ends the command at once.`);
    // A Ctrl-C reaches k6 at the other end of the pipe, too; wait for what it still writes.
    if (live && !follow && signal === "SIGINT") afterTimeout(this.#stop);
    else this.#stop.abort();
    // Live deliveries have the same time, from the end of the reading.
    if (!live) afterTimeout(this.#giveUp);
  }

  #showProgress(output: RemoteWriteOutput): void {
    const { stats } = output;
    const pending = stats.samplesPending === 0 ? [] : [`${formatCount(stats.samplesPending)} waiting`];
    // A live run is never far behind, unless the endpoint is slow.
    const lag = this.#args.live && stats.lagMs > 0 ? [`${formatAbout(stats.lagMs)} behind`] : [];
    const parts = [...progressParts(stats), ...pending, ...lag];
    this.#log.progress([...this.#share(), ...parts].join(", "));
  }

  /** Returns how much of the files was read, and how long the rest may take; nothing if that is not known. */
  #share(): string[] {
    if (this.#totalBytes === 0 || this.#readBytes === 0) return [];
    const share = Math.min(1, this.#readBytes / this.#totalBytes);
    const ms = performance.now() - this.#startedAt;
    const rest = share < 1 && ms > 1000 ? [`about ${formatAbout(ms * (1 / share - 1))} left`] : [];
    return [`${Math.floor(share * 100)} %`, ...rest];
  }
}

/** Returns a function that writes strings. It joins the strings of the same turn into one write. */
function joiner(write: (text: string) => Promise<void>): (text: string) => Promise<void> {
  let text = "";
  let written: Promise<void> | undefined;
  return (more) => {
    text += more;
    return written ??= Promise.resolve().then(() => {
      const whole = text;
      [text, written] = ["", undefined];
      return write(whole);
    });
  };
}

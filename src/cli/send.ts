/**
 * `send`: k6's JSON output, recorded or live, to the endpoint.
 *
 * @module
 */
import type { CheckpointOptions, SettledWindow } from "../k6/output/checkpointed_windows.ts";
import type { ReasonCount } from "../model/delivery_report.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { RawOptions } from "../config/raw_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { resolveOptions } from "../k6/output/resolve_options.ts";
import type { Sample } from "../k6/sample.ts";
import { type K6JsonStats, readK6Json } from "../k6/read/k6_json.ts";
import type { Arguments } from "./arguments.ts";
import { Checkpoint } from "./checkpoint.ts";
import { type Command, exitCodes } from "./command.ts";
import { isOn, logLevelOf } from "./flags.ts";
import { countOf, formatBytes, formatCount } from "./format.ts";
import { openInput } from "./input.ts";
import { Log } from "./log.ts";
import { liveOptions, outputFlags, readOutputOptions, shownEndpoint } from "./output_options.ts";
import { followFile } from "./follow.ts";
import { exitNow, onSignal, senderName, toStream, writeOut } from "./runtime.ts";
import { checkContradictions, inputPaths, isLive, sendFlags } from "./send_flags.ts";
import { formatSummary, lossesOf } from "./summary.ts";

const progressPeriodMs = 250;

/** The command. */
export const send: Command = {
  name: "send",
  operands: "[FILE...]",
  summary: "Send k6's JSON output: files (also gzipped), or standard input.",
  options: outputFlags,
  flags: sendFlags,
  notes: `Without FILE, or with -, it reads standard input; lines there that are not k6's are passed through:
  k6 run -o json=- script.js | k6-remote-write --url http://localhost:9090/api/v1/write
With --follow, windows are by the clock, and a signal ends the waiting; a file that is truncated,
rewritten or replaced is read from its beginning again.
At SIGTERM it sends what it has and ends; at SIGINT (Ctrl-C) it waits for the end of standard input
first; at a second one it ends at once.
Exit codes: 0 all was delivered, 1 something was lost or could not be read, 2 wrong usage.`,
  run: (given) => new Sending(given).run(),
};

/** One run of the command. */
class Sending {
  readonly #given: Arguments;
  readonly #paths: readonly string[];
  readonly #follows: boolean;
  readonly #live: boolean;
  readonly #log: Log;
  /** Fires when reading is to end. */
  readonly #stop = new AbortController();
  /** Fires when waiting for deliveries is to end. */
  readonly #giveUp = new AbortController();
  readonly #read: K6JsonStats[] = [];
  /** How many samples each file has, where it was read before. */
  readonly #counted = new Map<string, number>();
  #interrupted: "SIGINT" | "SIGTERM" | undefined;
  #broken = false;

  constructor(given: Arguments) {
    checkContradictions(given);
    this.#given = given;
    this.#paths = inputPaths(given);
    this.#follows = isOn(given, "follow");
    this.#live = isLive(given);
    this.#log = new Log(logLevelOf(given));
  }

  async run(): Promise<number> {
    const started = performance.now();
    const { raw, options: given } = readOutputOptions(this.#given, {
      warn: (message) => this.#log.say("warn", message),
    });
    const options: RemoteWriteOutputOptions = {
      ...(this.#live ? liveOptions : { windows: "event", overflow: "block" } as const),
      ...given,
    };
    const checkpoint = await this.#openCheckpoint(raw, options);
    const output = new RemoteWriteOutput({ ...options, checkpoint: checkpoint && this.#recordIn(checkpoint) });
    const { closeTimeoutMs } = resolveOptions(options);
    onSignal((signal) => this.#interrupt(signal, closeTimeoutMs));
    const progress = setInterval(() => this.#showProgress(output), progressPeriodMs);
    if (this.#live) output.start();
    const shiftMs = checkpoint?.shiftMs ?? await this.#findShiftMs();
    if (!this.#stop.signal.aborted) await checkpoint?.begin(shiftMs);
    const blocks = !this.#live || options.overflow === "block";
    for (const path of this.#paths) await this.#sendInput(path, output, { shiftMs, blocks });
    // Recorded samples are worth waiting for: each request has a deadline of its own.
    const report = await output.close({
      timeoutMs: this.#live ? closeTimeoutMs : Infinity,
      signal: this.#giveUp.signal,
      // The same command sends the window that was broken off, as a whole.
      flush: checkpoint === undefined || !this.#stop.signal.aborted,
    });
    clearInterval(progress);
    this.#log.progress("");
    const account = { report, stats: output.stats, read: this.#read };
    const interrupted = this.#live ? undefined : this.#interrupted;
    this.#log.say(
      "info",
      formatSummary({ ...account, endpoint: shownEndpoint(options), interrupted, ms: performance.now() - started }),
    );
    if (!this.#live && !isOn(this.#given, "shift-to-now") && report.reasons.some(isTooOld)) {
      this.#log.say(
        "info",
        "The receiver takes no samples that old: --shift-to-now moves a recording, so that it ends now.",
      );
    }
    const losses = lossesOf(account);
    if (losses.length > 0) this.#log.say("error", `Not everything was sent: ${losses.join(", ")}`);
    return losses.length > 0 || this.#broken || interrupted !== undefined ? exitCodes.lost : exitCodes.ok;
  }

  async #openCheckpoint(raw: RawOptions, options: RemoteWriteOutputOptions): Promise<Checkpoint | undefined> {
    const path = this.#given.values.get("checkpoint");
    if (typeof path !== "string") return undefined;
    if (options.selfMetrics === true) {
      throw new ConfigurationError(
        "Cannot use --checkpoint: --self-metrics are never the same when they are sent again",
      );
    }
    for (const label of ["instance", "testid"] as const) {
      if (options[label] !== "auto" && options[label] !== senderName()) continue;
      throw new ConfigurationError(`Cannot use --checkpoint: --${label} is "auto", expected one that stays the same`);
    }
    const shiftToNow = isOn(this.#given, "shift-to-now");
    const checkpoint = await Checkpoint.open(path, { files: this.#paths, raw, shiftToNow });
    const { windowsSent } = checkpoint;
    if (windowsSent !== undefined) {
      this.#log.say("info", `Continuing from ${path}: ${countOf(windowsSent, "window")} sent before.`);
    }
    return checkpoint;
  }

  /** What is not known to be sent must not be passed over: the next run begins there. */
  #recordIn(checkpoint: Checkpoint): CheckpointOptions {
    const onWindow = async ({ index, acknowledged }: SettledWindow): Promise<void> => {
      try {
        if (acknowledged) return await checkpoint.record(index + 1);
        // The windows that wait share its outcome.
        if (!this.#stop.signal.aborted) {
          this.#log.say("error", "Not everything was acknowledged, so sending ends; the same command continues there.");
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
    { shiftMs, blocks }: { readonly shiftMs: number; readonly blocks: boolean },
  ): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const print = printer();
    const passOn = (line: string, continues: boolean): Promise<void> => print(continues ? line : `${line}\n`);
    const reader = this.#follows ? readK6Json(toStream(this.#follow(path))) : readK6Json(openInput(path), {
      signal: this.#stop.signal,
      ...(path === "-" && { onForeignLine: passOn }),
    });
    try {
      for await (const samples of reader) {
        output.add(shiftMs === 0 ? samples : samples.map((sample) => shifted(sample, shiftMs)));
        if (blocks) await output.ready({ signal: this.#stop.signal });
      }
    } catch (error) {
      const canContinue = this.#given.values.has("checkpoint");
      const rest = canContinue ? "; the window that it breaks off in, and what follows, is left to the next run" : "";
      this.#cannotRead(`${path === "-" ? "standard input" : path} to its end: ${reasonOf(error)}${rest}`);
      if (canContinue) this.#stop.abort();
    }
    if (!this.#stop.signal.aborted) this.#checkRead(path, reader.stats);
    const { lines, bytes } = reader.stats;
    this.#log.say(
      "debug",
      `${path === "-" ? "Standard input" : path}: ${countOf(lines, "line")}, ${formatBytes(bytes)}`,
    );
    this.#read.push(reader.stats);
  }

  /** Says if a file cannot be what was meant. */
  #checkRead(path: string, { samples, skipped }: K6JsonStats): void {
    if (path === "-") return;
    if (samples === 0 && skipped.foreign > 0) this.#cannotRead(`${path}: none of its lines is a sample of k6's JSON`);
    const counted = this.#counted.get(path) ?? 0;
    if (samples < counted) this.#cannotRead(`${path}: it had ${counted} samples a moment ago, and has ${samples} now`);
  }

  /** Ends by itself when reading is to end: what is in the file by then is read. */
  #follow(path: string): AsyncGenerator<Uint8Array> {
    const idleTimeoutMs = Number(this.#given.values.get("idle-timeout") ?? Infinity);
    return followFile(path, {
      signal: this.#stop.signal,
      idleTimeoutMs,
      onRestart: (reason) => this.#log.say("warn", `${path} was ${reason}: it is read from its beginning again.`),
    });
  }

  /** By how much the newest sample of all files is older than now; 0 if they are not to be moved. */
  async #findShiftMs(): Promise<number> {
    if (!isOn(this.#given, "shift-to-now")) return 0;
    let latest = -Infinity;
    for (const path of this.#paths) {
      const reader = readK6Json(openInput(path), { signal: this.#stop.signal });
      try {
        for await (const samples of reader) {
          for (const { time } of samples) latest = Math.max(latest, time);
        }
        this.#counted.set(path, reader.stats.samples);
      } catch {
        // The second reading says what is wrong.
      }
    }
    return latest === -Infinity ? 0 : Date.now() - latest;
  }

  #cannotRead(what: string): void {
    this.#broken = true;
    this.#log.say("error", `Cannot read ${what}`);
  }

  #interrupt(signal: "SIGINT" | "SIGTERM", closeTimeoutMs: number): void {
    // As a shell shows it: 128 and the signal's number.
    if (this.#interrupted !== undefined) exitNow(signal === "SIGINT" ? 130 : 143);
    this.#interrupted = signal;
    this.#log.say("warn", `${signal}: sending what is there; once more to end at once.`);
    // Ctrl-C reaches k6 at the other end of the pipe too: what it still writes is worth waiting for.
    if (this.#live && !this.#follows && signal === "SIGINT") setTimeout(() => this.#stop.abort(), closeTimeoutMs);
    else this.#stop.abort();
    // Live deliveries have as long from the end of the reading on.
    if (!this.#live) setTimeout(() => this.#giveUp.abort(), closeTimeoutMs);
  }

  #showProgress(output: RemoteWriteOutput): void {
    const { samplesIn, series, samplesPending, bytesTotal } = output.stats;
    const pending = samplesPending === 0 ? "" : `, ${formatCount(samplesPending)} waiting`;
    this.#log.progress(
      `${countOf(samplesIn, "sample")} read, ${formatCount(series)} series, ${formatBytes(bytesTotal)} sent${pending}`,
    );
  }
}

/** Writes to standard output at once what comes at once. */
function printer(): (text: string) => Promise<void> {
  let text = "";
  let written: Promise<void> | undefined;
  return (more) => {
    text += more;
    return written ??= Promise.resolve().then(() => {
      const whole = text;
      [text, written] = ["", undefined];
      return writeOut(whole);
    });
  };
}

/** Prometheus's words and those of Mimir for samples that are older than what they still take. */
function isTooOld({ outcome, reason }: ReasonCount): boolean {
  return outcome === "rejected" && /out of bounds|too old/i.test(reason);
}

function shifted(sample: Sample, ms: number): Sample {
  return { ...sample, time: sample.time + ms };
}

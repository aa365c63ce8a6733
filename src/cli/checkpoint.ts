/**
 * A checkpoint: a file that records the progress of a replay, so that the same command can continue it.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { Metric } from "../k6/metric.ts";
import type { RawOptions } from "../config/raw_options.ts";
import { k6TextOptions } from "../config/text_options.ts";
import { cut } from "../model/printable.ts";
import { parseShallowJson } from "../model/shallow_json.ts";
import { version } from "../model/version.ts";
import { type FileLock, lockFile, temporaryPath } from "./file_lock.ts";
import { fileProblem } from "./file_problem.ts";
import { shownEndpoint } from "./output_options.ts";
import { builtin, isOwn, readText } from "./runtime.ts";

/** A larger file is not a checkpoint. */
const maxStateBytes = 16_777_216;

/** The range of a Date. */
const maxTimeMs = 8.64e15;

/** The options that determine what is sent. The options of how it is sent may change from run to run. */
const identifying: ReadonlySet<string> = new Set(
  k6TextOptions.map(({ option }) => option).filter((option) => !["overflow", "maxRequestsPerFlush"].includes(option)),
);

/** The files and options of a replay. */
interface Replay {
  readonly files: readonly string[];
  readonly raw: RawOptions;
  readonly shiftToNow: boolean;
  /** The metrics that `--metric-type` defines. */
  readonly metrics: readonly Metric[];
}

/** Facts that must be the same to continue a run. The keys name them in errors. */
type Identity = Readonly<Record<string, unknown>>;

/** The content of a checkpoint. */
interface State {
  readonly identity: Identity;
  /** The time by which all samples are moved. */
  readonly shiftMs: number;
  /** The number of windows that were sent. */
  readonly windows: number;
}

/** The progress of a replay. */
export class Checkpoint {
  readonly #path: string;
  readonly #lock: FileLock;
  readonly #identity: Identity;
  #state: State | undefined;

  private constructor(path: string, lock: FileLock, { identity, state }: { identity: Identity; state?: State }) {
    this.#path = path;
    this.#lock = lock;
    this.#identity = identity;
    this.#state = state;
  }

  /**
   * Reserves the file for this process, and reads it. If it does not exist, this is a first run.
   *
   * @throws ConfigurationError if the file cannot be read, another process uses it, or it belongs to a run with other files or options
   */
  static async open(path: string, replay: Replay): Promise<Checkpoint> {
    const real = checkPath(path);
    const lock = reserve(path, real);
    try {
      removeForgotten(real);
      const identity = await identityOf(replay);
      const state = readState(path, replay);
      checkIdentity(path, { identity, state });
      return new Checkpoint(real, lock, { identity, ...state && { state } });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The number of windows that earlier runs sent; undefined in a first run. */
  get windowsSent(): number | undefined {
    return this.#state?.windows;
  }

  /** The time by which the first run moved all samples; undefined in a first run. */
  get shiftMs(): number | undefined {
    return this.#state?.shiftMs;
  }

  /** Records the beginning of a first run; does nothing in a continued run. */
  async begin(shiftMs: number): Promise<void> {
    if (this.#state === undefined) await this.#write({ identity: this.#identity, shiftMs, windows: 0 });
  }

  /** Records the number of windows that were sent. */
  async record(windows: number): Promise<void> {
    if (this.#state === undefined) throw new Error("Cannot record windows: the run did not begin");
    await this.#write({ ...this.#state, windows });
  }

  /**
   * Checks the number of windows at the end of the recording.
   *
   * @throws ConfigurationError if the file says that more windows were sent than the recording has
   */
  checkWindows(count: number): void {
    const { windowsSent = 0 } = this;
    if (windowsSent <= count) return;
    throw new ConfigurationError(
      `Cannot continue from "${this.#path}": it says that ${windowsSent} windows were sent, but the recording has only ${count}. ` +
        "To send everything again, delete the file.",
    );
  }

  /** Lets other processes use the file. */
  close(): void {
    this.#lock.release();
  }

  /** Replaces the file atomically: after a crash at any moment, it holds the new state or the old one. */
  async #write(state: State): Promise<void> {
    const fs = builtin("node:fs").promises;
    const temporary = temporaryPath(this.#path);
    try {
      if (!this.#lock.isHeld()) throw new Error("another process uses it now");
      // A file or a link that is there already is not used.
      const file = await fs.open(temporary, "wx");
      try {
        await file.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(temporary, this.#path);
    } catch (error) {
      await fs.rm(temporary, { force: true }).catch(() => {});
      throw cannotWrite(this.#path, reasonOf(error));
    }
    this.#state = state;
  }
}

/** Returns the path to which links lead. @throws ConfigurationError if it is not the path of a file */
function checkPath(path: string): string {
  const fs = builtin("node:fs");
  try {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return path;
    if (!stats.isFile()) throw new Error(stats.isDirectory() ? "it is a folder" : "it is not a regular file");
    if (stats.size > maxStateBytes) throw new Error("it is too large for a checkpoint");
    return fs.realpathSync(path);
  } catch (error) {
    throw new ConfigurationError(`Cannot use the checkpoint "${path}": ${fileProblem(error)}, expected a file`);
  }
}

function reserve(path: string, real: string): FileLock {
  try {
    return lockFile(real);
  } catch (error) {
    const isSystemError = error instanceof Error && "code" in error;
    if (isSystemError) throw cannotWrite(path, reasonOf(error));
    throw new ConfigurationError(`Cannot use the checkpoint "${path}": ${reasonOf(error)}`);
  }
}

function cannotWrite(path: string, reason: string): ConfigurationError {
  return new ConfigurationError(
    `Cannot write the checkpoint "${path}": ${reason}, expected a file in a writable folder`,
  );
}

/** Removes the temporary files of runs that were killed while they wrote: only own files, and no link. */
function removeForgotten(path: string): void {
  const fs = builtin("node:fs");
  const { basename, dirname, join } = builtin("node:path");
  const prefix = `${basename(path)}.`;
  try {
    for (const name of fs.readdirSync(dirname(path))) {
      if (!name.startsWith(prefix) || !/^(?:lock\.)?[0-9a-f]{16}\.tmp$/.test(name.slice(prefix.length))) continue;
      const forgotten = join(dirname(path), name);
      if (isOwn(fs.lstatSync(forgotten), "file")) fs.unlinkSync(forgotten);
    }
  } catch {
    // The files that cannot be removed only take room.
  }
}

function readState(path: string, replay: Replay): State | undefined {
  let text: string;
  try {
    text = readText(path, maxStateBytes);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot read the checkpoint "${path}": ${fileProblem(error)}, expected a file`);
  }
  const state = parseState(text, path);
  // Without --shift-to-now, no run moves samples. With it, the newest sample was at the present time.
  if (!replay.shiftToNow && state.shiftMs !== 0) throw wrongNumber(path, "shiftMs", state.shiftMs, "0");
  return state;
}

/**
 * Reads the content of a checkpoint.
 *
 * @throws ConfigurationError if the string is not a checkpoint, or one of its numbers cannot be right
 */
export function parseState(text: string, path: string): State {
  let state: Partial<State> = {};
  try {
    state = Object(parseShallowJson(text));
  } catch {
    // A missing field is reported below.
  }
  const { identity, shiftMs, windows } = state;
  if (typeof identity !== "object" || identity === null || typeof shiftMs !== "number" || typeof windows !== "number") {
    throw new ConfigurationError(
      `Cannot read the checkpoint "${path}": it is not a checkpoint, expected a file that --checkpoint wrote`,
    );
  }
  if (!Number.isSafeInteger(windows) || windows < 0) {
    throw wrongNumber(path, "windows", windows, "a whole number from 0");
  }
  if (!Number.isInteger(shiftMs) || Math.abs(shiftMs) > maxTimeMs) {
    throw wrongNumber(path, "shiftMs", shiftMs, "whole milliseconds");
  }
  return { identity, shiftMs, windows };
}

function wrongNumber(path: string, name: string, value: number, expected: string): ConfigurationError {
  return new ConfigurationError(
    `Cannot read the checkpoint "${path}": ${name} is ${value}, expected ${expected}. ` +
      "To send everything again, delete the file.",
  );
}

function checkIdentity(path: string, { identity, state }: { identity: Identity; state: State | undefined }): void {
  if (state === undefined) return;
  const differing = Object.keys({ ...state.identity, ...identity })
    .find((name) => JSON.stringify(identity[name]) !== JSON.stringify(state.identity[name]));
  if (differing === undefined) return;
  const [there, here] = [state.identity, identity].map((each) => cut(JSON.stringify(each[differing]) ?? "none", 500));
  throw new ConfigurationError(
    `Cannot continue from "${path}": ${cut(differing, 100)} is ${here}, expected ${there} as in the run that wrote it`,
  );
}

async function identityOf({ files, raw, shiftToNow, metrics }: Replay): Promise<Identity> {
  const given: Readonly<Record<string, unknown>> = { ...raw };
  const endpoints = raw.endpoints?.map((endpoint) =>
    Object.fromEntries(Object.entries(endpoint).filter(([name]) => identifying.has(name)))
  );
  return {
    version,
    files: await Promise.all(files.map(describeFile)),
    url: shownEndpoint({ url: raw.url, endpoints: raw.endpoints?.map(({ url }) => ({ url })) }),
    shiftToNow,
    metricTypes: metrics.map(({ name, type, contains }) => `${name}=${type}:${contains}`).sort(),
    ...Object.fromEntries([...identifying].map((name) => [name, given[name] ?? null])),
    ...endpoints && { endpoints },
  };
}

/** Hashes the whole file. If only its middle had changed, the changed samples would be lost without a message. */
async function describeFile(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const fs = builtin("node:fs");
  try {
    // Check first, because opening a FIFO may wait forever.
    if (!fs.statSync(path).isFile()) throw new Error("it is not a regular file");
    const hash = builtin("node:crypto").createHash("sha256");
    let bytes = 0;
    for await (const chunk of fs.createReadStream(path, { highWaterMark: hashedBytes })) {
      bytes += chunk.length;
      hash.update(chunk);
    }
    return { bytes, sha256: hash.digest("hex") };
  } catch (error) {
    throw new ConfigurationError(
      `Cannot use --checkpoint with "${path}": ${fileProblem(error)}, expected a file that can be read twice`,
    );
  }
}

/** The size of a read, large enough that hashing is as fast as the disk. */
const hashedBytes = 1_048_576;

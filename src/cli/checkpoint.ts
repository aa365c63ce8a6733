/**
 * A checkpoint: a file that records the progress of a replay, so that the same command can continue it.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { Metric } from "../k6/metric.ts";
import type { RawOptions } from "../config/raw_options.ts";
import { k6TextOptions } from "../config/text_options.ts";
import { version } from "../model/version.ts";
import { fileProblem } from "./file_problem.ts";
import { shownEndpoint } from "./output_options.ts";
import { builtin } from "./runtime.ts";

/** The options that determine what is sent. The options of how it is sent may change from run to run. */
const identifying: ReadonlySet<string> = new Set(
  k6TextOptions.map(({ option }) => option).filter((option) => !["overflow", "maxRequestsPerFlush"].includes(option)),
);

/** The files and options of a replay. */
export interface Replay {
  readonly files: readonly string[];
  readonly raw: RawOptions;
  readonly shiftToNow: boolean;
  /** The metrics of `--metric-type`. */
  readonly metrics: readonly Metric[];
}

/** Facts that must be the same to continue a run. The keys name them in errors. */
type Identity = Readonly<Record<string, unknown>>;

/** The content of a checkpoint. */
export interface State {
  readonly identity: Identity;
  /** The time by which all samples are moved. */
  readonly shiftMs: number;
  /** The number of windows that were sent. */
  readonly windows: number;
}

/** The progress of a replay. */
export class Checkpoint {
  readonly #path: string;
  readonly #identity: Identity;
  #state: State | undefined;

  private constructor(path: string, identity: Identity, state: State | undefined) {
    this.#path = path;
    this.#identity = identity;
    this.#state = state;
  }

  /**
   * Reads the file. If it does not exist, this is a first run.
   *
   * @throws ConfigurationError if the file cannot be read, or belongs to a run with other files or options
   */
  static async open(path: string, replay: Replay): Promise<Checkpoint> {
    const identity = await identityOf(replay);
    const state = await readState(path);
    const differing = state === undefined ? undefined : Object.keys({ ...state.identity, ...identity })
      .find((name) => JSON.stringify(identity[name]) !== JSON.stringify(state.identity[name]));
    if (state !== undefined && differing !== undefined) {
      const [there, here] = [state.identity, identity].map((each) => JSON.stringify(each[differing]) ?? "none");
      throw new ConfigurationError(
        `Cannot continue from "${path}": ${differing} is ${here}, expected ${there} as in the run that wrote it`,
      );
    }
    return new Checkpoint(path, identity, state);
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

  /** Replaces the file atomically: after a crash at any moment, it holds the new state or the old one. */
  async #write(state: State): Promise<void> {
    const fs = builtin("node:fs").promises;
    const temporary = `${this.#path}.tmp`;
    try {
      const file = await fs.open(temporary, "w");
      try {
        await file.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(temporary, this.#path);
    } catch (error) {
      await fs.rm(temporary, { force: true }).catch(() => {});
      throw new ConfigurationError(
        `Cannot write the checkpoint "${this.#path}": ${reasonOf(error)}, expected a file in a writable folder`,
      );
    }
    this.#state = state;
  }
}

async function readState(path: string): Promise<State | undefined> {
  let text: string;
  try {
    text = await builtin("node:fs").promises.readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot read the checkpoint "${path}": ${fileProblem(error)}, expected a file`);
  }
  const state = parseState(text);
  if (state !== undefined) return state;
  throw new ConfigurationError(
    `Cannot read the checkpoint "${path}": it is not a checkpoint, expected a file that --checkpoint wrote`,
  );
}

/** Reads the content of a checkpoint; undefined if the text is something else. */
export function parseState(text: string): State | undefined {
  let state: Partial<State> | null;
  try {
    state = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { identity, shiftMs, windows } = state ?? {};
  if (typeof identity !== "object" || identity === null) return undefined;
  if (typeof shiftMs !== "number" || typeof windows !== "number") return undefined;
  return { identity, shiftMs, windows };
}

async function identityOf({ files, raw, shiftToNow, metrics }: Replay): Promise<Identity> {
  const given: Readonly<Record<string, unknown>> = { ...raw };
  return {
    version,
    files: await Promise.all(files.map(describeFile)),
    url: shownEndpoint({ url: raw.url }),
    shiftToNow,
    metricTypes: metrics.map(({ name, type, contains }) => `${name}=${type}:${contains}`).sort(),
    ...Object.fromEntries([...identifying].map((name) => [name, given[name] ?? null])),
  };
}

/** Hashes the whole file: to continue with a file whose middle has changed would silently lose what is different. */
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

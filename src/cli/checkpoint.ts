/**
 * A file that says how far a replay is, so that the same command can continue it.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { DescribedOptions } from "../config/import_features.ts";
import type { TextOption } from "../config/option_definition.ts";
import { seriesDefinitions } from "../config/series_definitions.ts";
import { version } from "../model/version.ts";
import { shownEndpoint } from "./output_options.ts";
import { builtin } from "./runtime.ts";

/** The options that decide what is sent; those of how it is sent may change from run to run. */
const deciding: ReadonlySet<TextOption> = new Set(["flushPeriodMs", ...seriesDefinitions.map(({ option }) => option)]);

/** What is replayed, and how. */
export interface Replay {
  readonly files: readonly string[];
  readonly options: DescribedOptions;
  readonly shiftToNow: boolean;
}

/** What must be the same for a run to be continued, by what it is called in an error. */
type Identity = Readonly<Record<string, unknown>>;

/** What the file holds. */
interface State {
  readonly identity: Identity;
  /** By how much all samples are moved. */
  readonly shiftMs: number;
  /** How many windows are sent. */
  readonly windows: number;
}

/** How far a replay is. */
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
   * Reads the file; if there is none, this is a first run.
   *
   * @throws ConfigurationError if it cannot be read, or belongs to other files or options
   */
  static async open(path: string, replay: Replay): Promise<Checkpoint> {
    const identity = await identityOf(replay);
    const state = await readState(path);
    const differing = state === undefined ? undefined : Object.keys({ ...state.identity, ...identity })
      .find((name) => JSON.stringify(identity[name]) !== JSON.stringify(state.identity[name]));
    if (state !== undefined && differing !== undefined) {
      const [there, here] = [state.identity, identity].map((each) => JSON.stringify(each[differing]) ?? "none");
      throw new ConfigurationError(
        `Cannot continue from "${path}": ${differing} is ${here}, expected ${there} as in the run that it belongs to`,
      );
    }
    return new Checkpoint(path, identity, state);
  }

  /** How many windows are sent; undefined in a first run. */
  get windowsSent(): number | undefined {
    return this.#state?.windows;
  }

  /** By how much the first run moved all samples, in milliseconds; undefined in a first run. */
  get shiftMs(): number | undefined {
    return this.#state?.shiftMs;
  }

  /** Writes that the run begins; in a continued run nothing changes. */
  async begin(shiftMs: number): Promise<void> {
    if (this.#state === undefined) await this.#write({ identity: this.#identity, shiftMs, windows: 0 });
  }

  /** Writes how many windows are sent. */
  async record(windows: number): Promise<void> {
    if (this.#state === undefined) throw new Error("Cannot record windows: the run did not begin");
    await this.#write({ ...this.#state, windows });
  }

  /** After a crash at any moment, the file holds this or what it held before. */
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
        `Cannot write the checkpoint "${this.#path}": ${
          reasonOf(error)
        }, expected a file in a folder that can be written to`,
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
    throw new ConfigurationError(`Cannot read the checkpoint "${path}": ${reasonOf(error)}, expected a file`);
  }
  const state = parseState(text);
  if (state !== undefined) return state;
  throw new ConfigurationError(
    `Cannot read the checkpoint "${path}": it holds something else, expected what --checkpoint writes`,
  );
}

function parseState(text: string): State | undefined {
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

async function identityOf({ files, options, shiftToNow }: Replay): Promise<Identity> {
  return {
    version,
    files: await Promise.all(files.map(describeFile)),
    url: shownEndpoint(options),
    shiftToNow,
    ...Object.fromEntries([...deciding].map((name) => [name, options[name] ?? null])),
  };
}

/** All of it: a run that is continued with another content in the middle would lose what is different there, and say nothing. */
async function describeFile(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const fs = builtin("node:fs");
  try {
    // Asked before: to open a FIFO may last for ever.
    if (!fs.statSync(path).isFile()) throw new Error("it is no regular file");
    const hash = builtin("node:crypto").createHash("sha256");
    let bytes = 0;
    for await (const chunk of fs.createReadStream(path, { highWaterMark: hashedBytes })) {
      bytes += chunk.length;
      hash.update(chunk);
    }
    return { bytes, sha256: hash.digest("hex") };
  } catch (error) {
    throw new ConfigurationError(
      `Cannot use --checkpoint with "${path}": ${reasonOf(error)}, expected a file that can be read twice`,
    );
  }
}

/** Large enough for hashing to be as fast as the disk. */
const hashedBytes = 1_048_576;

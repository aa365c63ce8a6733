/**
 * Reads a file while it grows.
 *
 * @module
 */
import { type Sleep, sleep as sleepFor } from "../send/sleep.ts";
import { isGzip } from "./input.ts";
import { builtin } from "./runtime.ts";

/** The signal and the times that end {@link followFile}, and what it calls. */
export interface FollowOptions {
  /** Ends the reading, after what the file holds by then was read. */
  readonly signal: AbortSignal;
  /** Ends the reading if the file does not grow for this time, in milliseconds. @default Infinity */
  readonly idleTimeoutMs?: number;
  /** Called when the file is read from its beginning again. */
  readonly onRestart?: (reason: RestartReason) => void;
  /** Waits between two checks of the file. @default the timers of the runtime */
  readonly sleep?: Sleep;
}

/** Why a file is read from its beginning again. */
type RestartReason = "truncated" | "rewritten" | "replaced";

/** Rare enough to cost nothing, and often enough for a dashboard. */
const periodMs = 200;

const chunkBytes = 65_536;
const newline = 0x0a;

/**
 * How many of the last bytes that were read are kept, to detect a rewritten file. They hold times, so no two runs have the same,
 * whereas all runs begin alike.
 */
const tailBytes = 512;

/**
 * Waits for a file to appear, reads it from its start, and then reads what is appended, until the signal or the idle timeout. A
 * file that is truncated, rewritten or replaced is read from its beginning again; an incomplete line before that is ended.
 *
 * @throws Error if the file cannot be read, never appears, is not a regular file, or is compressed
 */
export async function* followFile(
  path: string,
  { signal, idleTimeoutMs = Infinity, onRestart, sleep = sleepFor }: FollowOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let file: FollowedFile | undefined;
  let lastByte = newline;
  let idleMs = 0;
  try {
    while (true) {
      // The signal is read before the file, so that bytes that were appended before the signal are still read.
      const isLast = signal.aborted;
      file ??= await FollowedFile.open(path);
      // Check before reading, so that the last bytes of a replaced file are not missed.
      const restart = await file?.restart(path);
      const read = restart === "rewritten" ? undefined : file;
      for (let chunk = await read?.read(); chunk !== undefined; chunk = await read?.read()) {
        lastByte = chunk.at(-1) ?? newline;
        idleMs = 0;
        yield chunk;
      }
      if (restart !== undefined) {
        onRestart?.(restart);
        if (lastByte !== newline) yield Uint8Array.of(newline);
        lastByte = newline;
        await file?.close();
        file = undefined;
        continue;
      }
      if (isLast || idleMs >= idleTimeoutMs) break;
      const waitMs = Math.min(periodMs, idleTimeoutMs - idleMs);
      await sleep(waitMs, signal);
      idleMs += waitMs;
    }
    if (file === undefined) throw new Error("the file has not appeared");
  } finally {
    await file?.close();
  }
}

const files = () => builtin("node:fs/promises");

type FileHandle = Awaited<ReturnType<ReturnType<typeof files>["open"]>>;

/** An open file and the position up to which it was read. */
class FollowedFile {
  readonly #handle: FileHandle;
  readonly #buffer = new Uint8Array(chunkBytes);
  #position = 0;
  /** The last bytes that were read. */
  #tail = new Uint8Array();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens a file; undefined if it does not exist. */
  static async open(path: string): Promise<FollowedFile | undefined> {
    try {
      // Check first, because opening a FIFO may wait forever.
      if (!(await files().stat(path)).isFile()) throw new Error("it is not a regular file");
      return new FollowedFile(await files().open(path, "r"));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Reads the next bytes, valid until the next call; undefined if there are no more now. */
  async read(): Promise<Uint8Array | undefined> {
    const { bytesRead } = await this.#handle.read(this.#buffer, 0, chunkBytes, this.#position);
    if (bytesRead === 0) return undefined;
    const chunk = this.#buffer.subarray(0, bytesRead);
    if (this.#position === 0 && isGzip(chunk)) {
      throw new Error("it is compressed, expected plain JSON");
    }
    this.#position += bytesRead;
    this.#tail = Uint8Array.from([...this.#tail, ...chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    return chunk;
  }

  /** Returns why the file must be read again, if it must. The inode number of an open file is not reused. */
  async restart(path: string): Promise<RestartReason | undefined> {
    const { ino, dev, size } = await this.#handle.stat();
    if (size < this.#position) return "truncated";
    if (await this.#isRewritten()) return "rewritten";
    try {
      const present = await files().stat(path);
      return present.ino === ino && present.dev === dev ? undefined : "replaced";
    } catch (error) {
      // The file was moved away, and there is no new one yet.
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Detects other content in a file that did not become shorter. */
  async #isRewritten(): Promise<boolean> {
    const { length } = this.#tail;
    const { buffer, bytesRead } = await this.#handle.read(new Uint8Array(length), 0, length, this.#position - length);
    return bytesRead < length || this.#tail.some((byte, index) => buffer[index] !== byte);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

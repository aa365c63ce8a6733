/**
 * Reads a file while it grows.
 *
 * @module
 */
import { type Sleep, sleep as sleepFor } from "../send/sleep.ts";
import { isGzip } from "./gzip.ts";
import { builtin } from "./runtime.ts";

/** How to follow a file. */
export interface FollowOptions {
  /** Ends the reading, once what is there by then was read. */
  readonly signal: AbortSignal;
  /** Ends it when nothing has come for so long, in milliseconds. @default Infinity */
  readonly idleTimeoutMs?: number;
  /** Told when the file is read from its beginning again, and why. */
  readonly onRestart?: (reason: RestartReason) => void;
  /** Waits between two looks at the file. */
  readonly sleep?: Sleep;
}

/** What may become of a file. */
export type RestartReason = "truncated" | "rewritten" | "replaced";

/** Seldom enough to cost nothing, and often enough for a dashboard. */
const periodMs = 200;

const chunkBytes = 65_536;
const newline = 0x0a;

/** What is kept of what was read: with times in it, no other run has the same there, while all begin alike. */
const tailBytes = 512;

/**
 * Reads a file from its start and then what is added, until the signal or the idle timeout; waits for it to appear. Where it is
 * truncated, rewritten or replaced, it is read from its beginning again, and a line that was not complete ends there.
 *
 * @throws Error if it cannot be read, has not appeared at all, is no regular file, or is compressed
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
      file ??= await FollowedFile.open(path);
      // Asked before reading, so that the last of a replaced file is not missed.
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
      if (signal.aborted || idleMs >= idleTimeoutMs) break;
      const waitMs = Math.min(periodMs, idleTimeoutMs - idleMs);
      await sleep(waitMs, signal);
      idleMs += waitMs;
    }
    if (file === undefined) throw new Error("it has not appeared");
  } finally {
    await file?.close();
  }
}

const files = () => builtin("node:fs/promises");

type FileHandle = Awaited<ReturnType<ReturnType<typeof files>["open"]>>;

/** A file and how far it was read. */
class FollowedFile {
  readonly #handle: FileHandle;
  readonly #buffer = new Uint8Array(chunkBytes);
  #position = 0;
  /** The last of what was read. */
  #tail = new Uint8Array();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Undefined if there is none. */
  static async open(path: string): Promise<FollowedFile | undefined> {
    try {
      // Asked before: to open a FIFO may last for ever.
      if (!(await files().stat(path)).isFile()) throw new Error("it is no regular file");
      return new FollowedFile(await files().open(path, "r"));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The next bytes, valid until the next call; undefined if there are no more now. */
  async read(): Promise<Uint8Array | undefined> {
    const { bytesRead } = await this.#handle.read(this.#buffer, 0, chunkBytes, this.#position);
    if (bytesRead === 0) return undefined;
    const chunk = this.#buffer.subarray(0, bytesRead);
    if (this.#position === 0 && isGzip(chunk)) {
      throw new Error("it is compressed, and can be followed only as plain JSON");
    }
    this.#position += bytesRead;
    this.#tail = Uint8Array.from([...this.#tail, ...chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    return chunk;
  }

  /** Whether the path leads to something else by now. Open files keep their number, so that no other can have it. */
  async restart(path: string): Promise<RestartReason | undefined> {
    const { ino, dev, size } = await this.#handle.stat();
    if (size < this.#position) return "truncated";
    if (await this.#isRewritten()) return "rewritten";
    try {
      const present = await files().stat(path);
      return present.ino === ino && present.dev === dev ? undefined : "replaced";
    } catch (error) {
      // Moved away, and nothing in its place yet.
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** It may be as long as it was, or longer. */
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

/**
 * Reads what another process writes to a FIFO, without depending on how, or whether, it opens and closes it.
 *
 * @module
 */
import { builtin } from "./runtime.ts";

/** A FIFO that is read here. */
export interface Fifo {
  /** What comes through it, in pieces that are valid until the next one; to be read once. */
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  /** Whoever wrote to it has ended: what it still holds is read, and that is all. */
  end(): void;
}

/** What a pipe holds on Linux. */
const chunkBytes = 65_536;

/** What it holds there with the largest pages. Beyond it, nothing can be from before the end. */
const maxRestBytes = 1_048_576;

/** Makes a FIFO that only this user can use; undefined if the system has none. */
export function createFifo(path: string): Fifo | undefined {
  const { status } = builtin("node:child_process").spawnSync("mkfifo", ["-m", "600", path], { stdio: "ignore" });
  return status === 0 ? openFifo(path) : undefined;
}

/**
 * Three descriptors, none of which waits to be opened. One reads and waits; one, of our own, writes: it keeps the first from
 * seeing an end before the other process has begun, and wakes it at the end; and one reads without waiting what is left then,
 * even if a grandchild keeps the FIFO open, or goes on writing.
 */
function openFifo(path: string): Fifo {
  const fs = builtin("node:fs");
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants;
  const rest = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = fs.openSync(path, O_WRONLY | O_NONBLOCK);
  const reader = fs.openSync(path, O_RDONLY);
  const buffer = new Uint8Array(chunkBytes);
  let ended = false;
  let woken = false;

  async function* readAll(): AsyncGenerator<Uint8Array, void, undefined> {
    // What was read since the end, and may be the last: its last byte is the one that woke the reader.
    let held: Uint8Array | undefined;
    let restBytes = 0;
    try {
      while (true) {
        const isRest = ended;
        const length = await read(isRest ? rest : reader, buffer);
        if (held !== undefined) yield length === 0 && woken ? held.subarray(0, -1) : held;
        // A process that was left behind may write for ever.
        if (length === 0 || restBytes >= maxRestBytes) return;
        if (isRest) restBytes += length;
        held = ended ? buffer.slice(0, length) : undefined;
        if (held === undefined) yield buffer.subarray(0, length);
      }
    } finally {
      fs.closeSync(reader);
      fs.closeSync(rest);
    }
  }

  function end(): void {
    if (ended) return;
    ended = true;
    try {
      woken = fs.writeSync(writer, "\n") === 1;
    } catch {
      // It is full, so that nobody waits; or nobody reads it any more.
    }
    fs.closeSync(writer);
  }

  return { chunks: readAll(), end };
}

/** Resolves with the number of bytes, 0 if there are none (any more). */
function read(descriptor: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    builtin("node:fs").read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
      if (error === null || error === undefined) resolve(length);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}

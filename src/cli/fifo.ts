/**
 * Reads a FIFO to which another process writes. The reading ends when this process says so: it does not depend on how, or
 * whether, the other process opens and closes the FIFO.
 *
 * @module
 */
import { builtin } from "./runtime.ts";

/** A FIFO that this process reads. */
export interface Fifo {
  /** The bytes that come through it, to be read once. Each chunk is valid until the next one. */
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  /** Says that the writer has ended: the chunks end after what the FIFO still holds. */
  end(): void;
}

/** The capacity of a pipe on Linux. */
const chunkBytes = 65_536;

/** The capacity of a pipe on Linux with the largest pages. Bytes beyond it were written after the end. */
const maxRestBytes = 1_048_576;

/** Makes a FIFO that only this user can use. Returns undefined if the system has no `mkfifo`. */
export function createFifo(path: string): Fifo | undefined {
  const { status } = builtin("node:child_process").spawnSync("mkfifo", ["-m", "600", path], { stdio: "ignore" });
  return status === 0 ? openFifo(path) : undefined;
}

/**
 * Opens three descriptors; none of them waits for the other process.
 * - `reader` reads, and waits for bytes.
 * - `writer` prevents the reader from seeing an end before the other process has opened the FIFO, and wakes it at the end.
 * - `rest` then reads what is left without waiting, even if a grandchild keeps the FIFO open or continues to write.
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
    // The chunk that was read last after the end. If it is the very last, its last byte is the one that woke the reader.
    let deferred: Uint8Array | undefined;
    let restBytes = 0;
    try {
      while (true) {
        const isRest = ended;
        const length = await read(isRest ? rest : reader, buffer);
        if (deferred !== undefined) yield length === 0 && woken ? deferred.subarray(0, -1) : deferred;
        // A process that k6 left behind may write forever.
        if (length === 0 || restBytes >= maxRestBytes) return;
        if (isRest) restBytes += length;
        deferred = ended ? buffer.slice(0, length) : undefined;
        if (deferred === undefined) yield buffer.subarray(0, length);
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
      // The FIFO is full, so the reader does not wait; or it is not read any more.
    }
    fs.closeSync(writer);
  }

  return { chunks: readAll(), end };
}

/** Resolves with the number of bytes; 0 if there are none. */
function read(descriptor: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    builtin("node:fs").read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
      if (error === null || error === undefined) resolve(length);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}

/**
 * Reads a pipe in few, large reads. A stream of the runtime reads a pipe in pieces of 4 KiB, as k6 writes them, and each read
 * costs more than the reading of the lines in it.
 *
 * @module
 */
import { builtin } from "./runtime.ts";

/** How to read a pipe. */
export interface PipeOptions {
  /**
   * Whether the pipe ends when no process has it open for writing. Otherwise it ends only when `end` is called: it does not matter
   * how, or whether, the writer opens and closes it.
   */
  readonly endsWithWriter: boolean;
  /** Whether the writer had opened the pipe before, so that a pipe without a writer has ended. @default false */
  readonly hasWriter?: boolean | undefined;
  /** Called once, when the writer had to wait for this process for some seconds. @default nothing is called */
  readonly onSlow?: (() => void) | undefined;
  /** The clock that measures the waiting, in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** A pipe that is read. */
export interface PipeReader {
  /** The bytes that come through the pipe, to be read once. Each chunk is valid until the next one. */
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  /** Says that the writer has ended: the chunks end when the pipe is empty. */
  end(): void;
}

/** The size of a read in bytes, which is more than a pipe holds on most systems. */
const bufferBytes = 262_144;

/** The smallest capacity of a pipe on Linux. A shorter read shows that the pipe was not full. */
const smallestPipeBytes = 4096;

/** The capacity of a pipe on Linux with the largest pages. Bytes beyond it were written after the end. */
const maxRestBytes = 1_048_576;

/**
 * The pause between two reads. It adapts to the writer, so that a read finds a third to three quarters of what the pipe holds: each read
 * costs a turn of the event loop, and a full pipe makes the writer wait. k6 writes every 200 ms, as fast as it can: 64 KiB in 2 ms.
 */
const minPauseMs = 1;
const maxPauseMs = 20;

/** If the pipe was full at each read for this time, then the writer had to wait. */
const slowMs = 3000;

/**
 * Opens a FIFO, or another path to a pipe, without waiting for its writer.
 *
 * @throws Error if it cannot be opened
 */
export function openPipe(path: string, options: PipeOptions): PipeReader {
  const { constants: { O_RDONLY, O_NONBLOCK }, openSync } = builtin("node:fs");
  return new PolledPipe(openSync(path, O_RDONLY | O_NONBLOCK), options);
}

/** Reads a descriptor that does not wait for bytes, and pauses when there are none. */
class PolledPipe implements PipeReader {
  readonly #descriptor: number;
  readonly #options: PipeOptions;
  readonly chunks: PipeReader["chunks"];
  #ended = false;

  constructor(descriptor: number, options: PipeOptions) {
    this.#descriptor = descriptor;
    this.#options = options;
    this.chunks = this.#read();
  }

  end(): void {
    this.#ended = true;
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    const { endsWithWriter, hasWriter = false } = this.#options;
    const buffer = new Uint8Array(bufferBytes);
    const slow = new SlowReading(this.#options);
    // A read of this length shows that the pipe was full, and that the writer may wait.
    let capacity = smallestPipeBytes;
    let pauseMs = minPauseMs;
    let restBytes = 0;
    // A FIFO without a writer looks ended, also before the writer has opened it.
    let opened = hasWriter;
    try {
      while (true) {
        const isRest = this.#ended;
        const length = this.#readNow(buffer);
        opened ||= length !== 0;
        if (length === 0 && endsWithWriter && opened) return;
        if (length === undefined || length === 0) {
          if (isRest) return;
        } else {
          yield buffer.subarray(0, length);
          // A process that the writer left behind may write forever.
          if (isRest && (restBytes += length) >= maxRestBytes) return;
        }
        const bytes = length ?? 0;
        if (bytes >= capacity) {
          capacity = bytes;
          pauseMs = minPauseMs;
          slow.note();
        } else {
          if (bytes < capacity / 3) pauseMs = Math.min(pauseMs * 2, maxPauseMs);
          else if (bytes > capacity * 3 / 4) pauseMs = Math.max(pauseMs / 2, minPauseMs);
          slow.reset();
        }
        if (isRest) continue;
        await (bytes === capacity ? nextTurn() : pause(pauseMs));
      }
    } finally {
      builtin("node:fs").closeSync(this.#descriptor);
    }
  }

  /** Returns the number of bytes; 0 if no process has the pipe open for writing, and undefined if there are none now. */
  #readNow(buffer: Uint8Array): number | undefined {
    try {
      return builtin("node:fs").readSync(this.#descriptor, buffer, 0, buffer.length, null);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
      throw error;
    }
  }
}

/** Detects that the pipe is full all the time. */
class SlowReading {
  readonly #now: () => number;
  #onSlow: (() => void) | undefined;
  #since: number | undefined;

  constructor({ onSlow, now = () => performance.now() }: PipeOptions) {
    this.#onSlow = onSlow;
    this.#now = now;
  }

  /** Notes that the pipe was not full. */
  reset(): void {
    this.#since = undefined;
  }

  /** Notes that the pipe was full. */
  note(): void {
    if (this.#onSlow === undefined) return;
    this.#since ??= this.#now();
    if (this.#now() - this.#since < slowMs) return;
    this.#onSlow();
    this.#onSlow = undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Lets timers and requests proceed. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * The way on which k6's JSON comes.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { createFifo } from "./fifo.ts";
import { followFile } from "./follow.ts";
import { builtin, onExit, toStream } from "./runtime.ts";
import { makeTemporaryFolder } from "./temporary_folder.ts";

/** Where k6 writes its JSON, and this reads it meanwhile. */
export interface JsonChannel {
  /** For k6's `--out json=`. */
  readonly path: string;
  /** What k6 writes; to be read once. */
  readonly stream: ReadableStream<Uint8Array>;
  /** k6 has ended: the stream ends after what is there. */
  end(): void;
  /** Leaves nothing behind; called at the end of the process at the latest. */
  remove(): void;
}

/**
 * Opens a FIFO in a folder that only this user can enter; a file where the system has no FIFO.
 *
 * @throws ConfigurationError if nothing temporary can be made
 */
export function openJsonChannel(): JsonChannel {
  const fs = builtin("node:fs");
  const folder = makeTemporaryFolder();
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  onExit(remove);
  const channel = openIn(folder, remove);
  // A process that ends by itself waits for a read that is under way: it has to come to an end before.
  onExit(channel.end);
  return channel;
}

function openIn(folder: string, remove: () => void): JsonChannel {
  const path = builtin("node:path").join(folder, "k6.json");
  try {
    const fifo = createFifo(path);
    if (fifo === undefined) return openFile(path, remove);
    return { path, stream: toStream(untilOpened(fifo.chunks, remove)), end: fifo.end, remove };
  } catch (error) {
    throw new ConfigurationError(`Cannot open "${path}": ${reasonOf(error)}, expected a folder that can hold a FIFO`);
  }
}

function openFile(path: string, remove: () => void): JsonChannel {
  builtin("node:fs").writeFileSync(path, "", { mode: 0o600 });
  const ended = new AbortController();
  return { path, stream: toStream(followFile(path, { signal: ended.signal })), end: () => ended.abort(), remove };
}

/** With the first bytes it is certain that k6 has opened the FIFO: its name is needed no more, and cannot be left behind. */
async function* untilOpened(
  chunks: AsyncIterable<Uint8Array>,
  onOpened: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let opened = false;
  for await (const chunk of chunks) {
    if (!opened) onOpened();
    opened = true;
    yield chunk;
  }
}

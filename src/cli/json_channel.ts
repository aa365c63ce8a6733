/**
 * The way on which k6's JSON comes.
 *
 * @module
 */
import { createFifo } from "./fifo.ts";
import { followFile } from "./follow.ts";
import { builtin, onExit, toStream } from "./runtime.ts";

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

/** Opens a FIFO in a folder that only this user can enter; a file where the system has no FIFO. */
export function openJsonChannel(): JsonChannel {
  const fs = builtin("node:fs");
  const { join } = builtin("node:path");
  // Made with the mode 0700.
  const folder = fs.mkdtempSync(join(builtin("node:os").tmpdir(), "k6-remote-write-"));
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  const path = join(folder, "k6.json");
  const fifo = createFifo(path);
  const channel = fifo === undefined
    ? openFile(path, remove)
    : { path, stream: toStream(untilOpened(fifo.chunks, remove)), end: fifo.end, remove };
  // A process that ends by itself waits for a read that is under way: it has to come to an end before.
  onExit(() => {
    channel.end();
    channel.remove();
  });
  return channel;
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

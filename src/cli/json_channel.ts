/**
 * The channel through which k6 hands its JSON to this process: a FIFO, or a file, in a temporary folder.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { createFifo } from "./fifo.ts";
import { followFile } from "./follow.ts";
import { builtin, isOwn, isRunning, onExit, processId, toStream } from "./runtime.ts";

/** A path to which k6 writes its JSON while this process reads it. */
interface JsonChannel {
  /** The path for k6's `--out json=`. */
  readonly path: string;
  /** Whether the path is a FIFO, on which k6 waits while it is full. */
  readonly isFifo: boolean;
  /** What k6 writes, to be read once. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Says that k6 has ended: the stream ends when its last bytes are read. */
  end(): void;
  /** Removes everything temporary. It is called at the end of the process at the latest. */
  remove(): void;
}

/**
 * Opens a FIFO in a folder that only this user can enter; or a file, if the system has no FIFO.
 *
 * @param parent where the folder is made, such as /tmp
 * @param onSlow called once, when k6 had to wait for this process for some seconds
 * @throws ConfigurationError if the folder or the FIFO cannot be made
 */
export function openJsonChannel(parent: string, onSlow?: () => void): JsonChannel {
  const fs = builtin("node:fs");
  const folder = makeTemporaryFolder(parent);
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  onExit(remove);
  const path = builtin("node:path").join(folder, fileName);
  try {
    const fifo = createFifo(path, onSlow);
    if (fifo === undefined) return openFile(path, remove);
    const stream = toStream(untilOpened(fifo.chunks, remove));
    return { path, isFifo: true, stream, end: () => fifo.end(), remove };
  } catch (error) {
    throw new ConfigurationError(
      `Cannot open "${path}": ${reasonOf(error)}, expected a file system that can hold a FIFO; TMPDIR sets the folder`,
    );
  }
}

function openFile(path: string, remove: () => void): JsonChannel {
  builtin("node:fs").writeFileSync(path, "", { mode: 0o600 });
  const ended = new AbortController();
  const stream = toStream(followFile(path, { signal: ended.signal }));
  return { path, isFifo: false, stream, end: () => ended.abort(), remove };
}

/** Calls back at the first bytes: k6 has opened the FIFO by then, and its name can be removed so that it is never left behind. */
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

const fileName = "k6.json";

/** The name of a temporary folder tells which process made it. */
const folderPrefix = "k6-remote-write-run-";
const folderPattern = new RegExp(`^${folderPrefix}(\\d+)-`);

/** A process in another container cannot be seen, but needs its folder only until its k6 has begun to write. */
const abandonedMs = 3_600_000;

/** Makes a folder that only this user can enter, and removes the folders of processes that were killed. */
function makeTemporaryFolder(parent: string): string {
  try {
    removeAbandoned(parent);
    // mkdtemp sets the mode 0700.
    return builtin("node:fs").mkdtempSync(builtin("node:path").join(parent, `${folderPrefix}${processId}-`));
  } catch (error) {
    throw new ConfigurationError(
      `Cannot make a temporary folder in "${parent}": ${reasonOf(error)}, expected a writable folder; TMPDIR sets it`,
    );
  }
}

function removeAbandoned(parent: string): void {
  const fs = builtin("node:fs");
  const { join } = builtin("node:path");
  let names: string[];
  try {
    names = fs.readdirSync(parent);
  } catch {
    // Some folders are writable but cannot be listed.
    return;
  }
  for (const name of names) {
    const [, pid] = folderPattern.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(parent, name);
    try {
      const stats = fs.lstatSync(folder);
      if (!isOwn(stats, "folder") || Date.now() - stats.mtimeMs < abandonedMs) continue;
      // Remove only the file that can be in it, because another program may have made the folder.
      for (const file of fs.readdirSync(folder)) if (file === fileName) fs.unlinkSync(join(folder, file));
      fs.rmdirSync(folder);
    } catch {
      // The folder belongs to another user.
    }
  }
}

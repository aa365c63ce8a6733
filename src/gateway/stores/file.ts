import { ConfigurationError } from "../../model/errors.ts";
import { checkKeys, unexpected } from "../../model/check_keys.ts";
import { crc32 } from "../../protocol/crc32.ts";
import { type AggregatorStore, checkMethods } from "./store.ts";

/** An open file, as `node:fs/promises` has it. */
export interface FileHandleLike {
  /** Writes bytes at the end. */
  appendFile(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was written survives a crash of the machine. */
  sync(): Promise<void>;
  /** Closes the file. The handle cannot be used afterwards. */
  close(): Promise<void>;
}

/** The part of `node:fs/promises` that the store uses. */
export interface FileSystem {
  /** Opens a file. Only the user of this process can read a file that is created. */
  open(path: string, flags: string, mode?: number): Promise<FileHandleLike>;
  /** Describes what is at a path, without following a link. */
  lstat(path: string): Promise<{ isFile(): boolean }>;
  /** Deletes the file at a path. */
  unlink(path: string): Promise<void>;
  /** Returns the content of a file. */
  readFile(path: string): Promise<Uint8Array>;
  /** Creates a folder and those above it. */
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  /** Replaces a file by another one. */
  rename(from: string, to: string): Promise<void>;
  /** Cuts a file to its first `length` bytes. */
  truncate(path: string, length: number): Promise<void>;
}

/** The folder of the state, and the functions that reach it. */
export interface FileOptions {
  /** The module `node:fs/promises` of Deno, Bun or Node. */
  readonly fs: FileSystem;
  /** The folder of the state. It is created if it does not exist. Only one process may use it at a time. */
  readonly folder: string;
  /** Called when the end of the file was cut off, because a crash had interrupted its writing. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A record begins with its length and its checksum, in four bytes each. */
const headBytes = 8;

/**
 * Returns a store in a file. Each record has a checksum. A snapshot is written to a new file, which then takes the place of the old one.
 *
 * @throws ConfigurationError if an option is missing or has a wrong value
 */
export function file(options: FileOptions): AggregatorStore {
  checkKeys(options, ["fs", "folder", "onWarning"], "file");
  const { fs, folder, onWarning = (message) => console.warn(`k6-remote-write: ${message}`) } = options;
  const methods = ["open", "lstat", "unlink", "readFile", "mkdir", "rename", "truncate"];
  checkMethods(fs, { name: "fs", methods, expected: "node:fs/promises" });
  if (typeof folder !== "string" || folder === "") throw unexpected("folder", folder, "the path of a folder");
  const path = `${folder}/aggregator.log`;
  const freshPath = `${path}.new`;
  let log: FileHandleLike | undefined;

  /** Reports whether the file exists. @throws ConfigurationError if it is a link, because another file would be changed */
  async function isThere(): Promise<boolean> {
    const stats = await fs.lstat(path).catch(noFile);
    if (stats === undefined || stats.isFile()) return stats !== undefined;
    throw new ConfigurationError(
      `Cannot use the folder of the sums: "${path}" is a link or no regular file, expected another folder or no such link`,
    );
  }

  /** Lets the names in the folder survive a crash, where the system can do so. */
  async function syncFolder(): Promise<void> {
    const handle = await fs.open(folder, "r").catch(() => undefined);
    await handle?.sync().catch(() => {});
    await handle?.close();
  }

  return {
    async *read() {
      await fs.mkdir(folder, { recursive: true });
      const bytes = await isThere() ? await fs.readFile(path) : new Uint8Array();
      let at = 0;
      for (let record = recordAt(bytes, at); record !== undefined; record = recordAt(bytes, at)) {
        yield record;
        at += headBytes + record.length;
      }
      const torn = bytes.length - at;
      if (torn > 0) {
        await fs.truncate(path, at);
        onWarning(`The last ${torn} bytes of ${path} were cut off: a crash had interrupted their writing.`);
      }
    },
    async append(record) {
      if (log === undefined) {
        await isThere();
        log = await fs.open(path, "a", 0o600);
        await syncFolder();
      }
      await log.appendFile(framed(record));
      await log.sync();
    },
    async replace(snapshot) {
      // A crash may have left this file, or it may be a link: only a new file is written.
      await fs.unlink(freshPath).catch(noFile);
      const fresh = await fs.open(freshPath, "wx", 0o600);
      try {
        for (const record of snapshot) await fresh.appendFile(framed(record));
        await fresh.sync();
      } finally {
        await fresh.close();
      }
      // Windows cannot replace an open file.
      await log?.close();
      log = undefined;
      await fs.rename(freshPath, path);
      await syncFolder();
    },
    async close() {
      await log?.close();
      log = undefined;
    },
  };
}

/** Returns nothing if there is no file. @throws any other error */
function noFile(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

/** Returns the record at a position; undefined if there is no complete one. */
function recordAt(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at + headBytes > bytes.length) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset + at, headBytes);
  const record = bytes.subarray(at + headBytes, at + headBytes + head.getUint32(0));
  return record.length === head.getUint32(0) && record.length > 0 && crc32(record) === head.getUint32(4)
    ? record
    : undefined;
}

function framed(record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headBytes + record.length);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, record.length);
  head.setUint32(4, crc32(record));
  bytes.set(record, headBytes);
  return bytes;
}

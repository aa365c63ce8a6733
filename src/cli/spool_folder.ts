/**
 * The folder of `--spool`: each segment is a file.
 *
 * @module
 */
import type { SpoolStore } from "../send/spool_log.ts";
import { lockFile } from "./file_lock.ts";
import { builtin } from "./runtime.ts";

/** A folder that is reserved for this process. */
export interface SpoolFolder extends SpoolStore {
  /** Gives the folder up, so that another process can use it. */
  release(): void;
}

const suffix = ".spool";

/**
 * Opens a folder, and creates it if necessary. Only this user can read what is in it.
 *
 * What was appended survives the end of the process, because the system has it. After a power failure, what the system had not yet
 * written to the disk is missing.
 *
 * @throws Error that says why the folder cannot be used
 */
export function openSpoolFolder(path: string): SpoolFolder {
  const fs = builtin("node:fs");
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const name of segmentFiles(path)) {
    // Another user may have put a link there, and what it leads to would be cut.
    if (!fs.lstatSync(`${path}/${name}`).isFile()) throw new Error(`"${name}" in it is a link or no regular file`);
  }
  const { release } = lockFile(`${path}/spool`);
  const fileOf = (name: string): string => `${path}/${name}${suffix}`;
  /** The segment to which records are appended now, with its open file. */
  let open: { readonly name: string; readonly file: number } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const { file } = open;
    open = undefined;
    // In the background, because it takes long.
    fs.fsync(file, () => fs.close(file));
  };
  return {
    list: () => segmentFiles(path).map((name) => name.slice(0, -suffix.length)),
    read(name, part) {
      if (part === undefined) return new Uint8Array(fs.readFileSync(fileOf(name)));
      const bytes = new Uint8Array(part.to - part.from);
      const file = fs.openSync(fileOf(name), "r");
      try {
        for (let at = 0; at < bytes.length;) {
          const read = fs.readSync(file, bytes, at, bytes.length - at, part.from + at);
          if (read === 0) break;
          at += read;
        }
      } finally {
        fs.closeSync(file);
      }
      return bytes;
    },
    append(name, bytes) {
      if (open?.name !== name) {
        close();
        open = { name, file: fs.openSync(fileOf(name), "a", 0o600) };
      }
      for (let at = 0; at < bytes.length;) at += fs.writeSync(open.file, bytes, at);
    },
    truncate: (name, length) => fs.truncateSync(fileOf(name), length),
    remove(name) {
      if (open?.name === name) close();
      fs.rmSync(fileOf(name), { force: true });
    },
    release,
  };
}

function segmentFiles(path: string): readonly string[] {
  return builtin("node:fs").readdirSync(path).filter((name) => /^\d{10}\.spool$/.test(name));
}

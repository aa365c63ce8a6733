/**
 * An executable named k6 that takes k6's command line and does what a test asks for, and a folder for all that comes of it.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What it is to do. */
export interface StandIn {
  /** A file of JSON lines, perhaps gzipped; it may be garbage. */
  readonly json: string;
  /** Its exit code. @default 0 */
  readonly code?: number;
  /** Between its ten pieces of output. @default 0 */
  readonly paceMs?: number;
  /** Writes each line at its own time, so many times as fast as it was recorded. @default without waiting */
  readonly pace?: number;
  /**
   * It ends; it ends without having opened its output, or waits for ever then; a process that it leaves behind keeps the output
   * open, or writes on and on; it is killed in the middle of a line; it waits for a signal in the middle, and goes on; it waits
   * there for ever.
   * @default "end"
   */
  readonly ending?:
    | "end"
    | "never opened"
    | "opens nothing"
    | "held open"
    | "written on"
    | "killed"
    | "waits"
    | "deaf";
}

/** What it saw. */
export interface StandInReport {
  readonly args: readonly string[];
  readonly pid: number;
  /** The process that has started it. */
  readonly ppid: number;
  /** Names of its variables that begin with K6_ or AWS_. */
  readonly variables: readonly string[];
  readonly folderMode: string;
  readonly isFifo: boolean;
  /** Whether it prints to a terminal. */
  readonly terminal: boolean;
  /** How many it got; undefined unless it came to its end. */
  readonly signals?: number;
  /** The process that it left behind. */
  readonly sleeper?: number;
}

export interface StandInK6 {
  readonly folder: string;
  /** The executable. */
  readonly path: string;
  /** Variables with which the command finds it, and keeps its temporary folders here. */
  env(does: StandIn): Record<string, string>;
  /** Writes a file beside it. */
  write(name: string, text: string | Uint8Array): string;
  report(): StandInReport;
  /** What is in the folder of temporary folders. */
  leftovers(): string[];
  remove(): void;
}

/** Makes one; it runs on what the test runs on. */
export function makeStandInK6(): StandInK6 {
  const folder = mkdtempSync(join(tmpdir(), "stand-in-k6-"));
  const temporary = join(folder, "tmp");
  const path = join(folder, "bin", "k6");
  const reportPath = join(folder, "report");
  mkdirSync(temporary);
  mkdirSync(join(folder, "bin"));
  const runtime = "Deno" in globalThis ? `"${process.execPath}" run -A --no-check` : `"${process.execPath}"`;
  writeFileSync(path, `#!/bin/sh\nexec ${runtime} "${resolve("tests/support/stand_in_k6.mjs")}" "$@"\n`);
  chmodSync(path, 0o755);
  return {
    folder,
    path,
    env: (does) => ({
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      TMPDIR: temporary,
      STAND_IN_K6: JSON.stringify({ ...does, json: resolve(does.json), report: reportPath }),
    }),
    write(name, text): string {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
    report: () =>
      Object.assign({}, ...readFileSync(reportPath, "utf8").trim().split("\n").map((line) => JSON.parse(line))),
    leftovers: () => readdirSync(temporary).filter((name) => existsSync(join(temporary, name))),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

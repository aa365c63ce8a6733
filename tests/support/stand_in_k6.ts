/**
 * Makes an executable named k6 that accepts k6's command line and behaves as a test asks, in a folder for its files.
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
import { programs } from "./programs.ts";

/** What the stand-in writes, and how it ends. */
export interface StandIn {
  /** The file that it writes as its output: JSON lines, possibly gzipped, or garbage. */
  readonly json: string;
  /** The exit code of the process. @default 0 */
  readonly code?: number;
  /** The pause between the ten parts of its output. @default 0 */
  readonly paceMs?: number;
  /** Writes each line at its own time, this many times as fast as it was recorded. @default without waiting */
  readonly pace?: number;
  /**
   * How it ends: normally; without having opened its output, or waiting forever then, or until a signal; leaving a process that keeps the output
   * open, or that writes forever; killed in the middle of a line; waiting for a signal in the middle, and then continuing; or
   * waiting there forever.
   * @default "end"
   */
  readonly ending?:
    | "end"
    | "never opened"
    | "opens nothing"
    | "opens late"
    | "held open"
    | "written on"
    | "killed"
    | "waits"
    | "deaf";
}

/** What the stand-in observed about its process, its arguments and signals. */
export interface StandInReport {
  readonly args: readonly string[];
  readonly pid: number;
  /** The process that started it. */
  readonly ppid: number;
  /** The names of its variables that begin with K6_ or AWS_. */
  readonly variables: readonly string[];
  readonly folderMode: string;
  readonly isFifo: boolean;
  /** Whether its standard output is a terminal. */
  readonly terminal: boolean;
  /** The number of signals that it got; undefined unless it ran to its end. */
  readonly signals?: number;
  /** Its exit code; undefined unless it ran to its end. */
  readonly code?: number;
  /** The process that it left running. */
  readonly sleeper?: number;
}

/** A program that behaves as k6 in a folder of its own. */
export interface StandInK6 {
  readonly folder: string;
  /** The path of the executable file. */
  readonly path: string;
  /** Returns variables with which the command finds it, and makes its temporary folders in this folder. */
  env(does: StandIn): Record<string, string>;
  /** Writes a file to the folder, and returns its path. */
  write(name: string, text: string | Uint8Array): string;
  report(): StandInReport;
  /** Returns the names of the temporary folders that are left. */
  leftovers(): string[];
  remove(): void;
}

/** Makes a stand-in. It runs on Bun, which starts fastest, and without Bun on the runtime of the test. */
export function makeStandInK6(): StandInK6 {
  const folder = mkdtempSync(join(tmpdir(), "stand-in-k6-"));
  const temporary = join(folder, "tmp");
  const path = join(folder, "bin", "k6");
  const reportPath = join(folder, "report");
  mkdirSync(temporary);
  mkdirSync(join(folder, "bin"));
  const program = programs.bun ?? process.execPath;
  const runtime = program === process.execPath && "Deno" in globalThis
    ? `"${program}" run -A --no-check`
    : `"${program}"`;
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

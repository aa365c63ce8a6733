/**
 * Makes an executable named k6 that sends the requests of a recorded run to the address where k6's own output would send them.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { RecordedRun } from "./recorded_run.ts";

/** Which requests the stand-in sends, and how it ends. */
export interface StandInLight {
  /** The run whose requests it sends. @default "basic" */
  readonly run?: RecordedRun;
  /** The folder of other requests, instead of a run's. */
  readonly requests?: string;
  /** The exit code of the process. @default 0 */
  readonly code?: number;
  /** The pause after each request. @default 0 */
  readonly paceMs?: number;
  /** How it ends: normally, killed in the middle, having waited for a signal in the middle, or without a request. @default "end" */
  readonly ending?: "end" | "killed" | "waits" | "silent";
}

/** The arguments and the variables that the stand-in got. */
export interface StandInLightReport {
  readonly args: readonly string[];
  readonly pid: number;
  /** Its variables that begin with K6_ or AWS_. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A program that behaves as k6 with its own Prometheus output. */
export interface LightK6 {
  readonly folder: string;
  /** Returns variables with which the command finds it. */
  env(does?: StandInLight): Record<string, string>;
  report(): StandInLightReport;
}

/** Calls a function with a stand-in that runs on the runtime of the test. */
export async function withLightK6(use: (k6: LightK6) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "stand-in-light-"));
  const bin = join(folder, "bin");
  const report = join(folder, "report");
  mkdirSync(bin);
  const runtime = "Deno" in globalThis ? `"${process.execPath}" run -A --no-check` : `"${process.execPath}"`;
  writeFileSync(join(bin, "k6"), `#!/bin/sh\nexec ${runtime} "${resolve("tests/support/stand_in_light.mjs")}" "$@"\n`);
  chmodSync(join(bin, "k6"), 0o755);
  try {
    await use({
      folder,
      env: ({ run = "basic", ...does } = {}) => ({
        PATH: `${bin}:${process.env.PATH}`,
        STAND_IN_LIGHT: JSON.stringify({ requests: resolve(`tests/fixtures/k6/${run}/requests`), ...does, report }),
      }),
      report: () => JSON.parse(readFileSync(report, "utf8")),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

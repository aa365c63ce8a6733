/** Debian's libfaketime, which sets the wall clock of one process. */
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";

const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
const library = folders.map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).find(existsSync);

/** Why tests with it are skipped; false if they are not. Under CI=true, they never are. */
export const noFaketime: string | false = process.env.CI === "true" || library !== undefined
  ? false
  : "there is no libfaketime on this machine (Debian package faketime)";

/** Returns the variables of a process whose wall clock differs by what the file says. Its monotonic clock runs on. */
export function faketimeVariables(file: string): Record<string, string> {
  return {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** Sets the difference to the real time. The process must not read half of it. */
export function setWallClock(file: string, seconds: number): void {
  writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}`);
  renameSync(`${file}.new`, file);
}

/**
 * The flags of the live page.
 *
 * @module
 */
import { parseBoolean, parsePeriod, unreadable } from "../../config/option_parsers.ts";
import type { Arguments, Flag } from "../arguments.ts";
import type { LiveLimits } from "./live_store.ts";

/** Enough for a long test, of which a person looks at the last hours. */
const defaultRetention = "6h";
/** About eight million points. The page in the browser needs the same memory. */
const defaultMaxBytes = 128_000_000;

/** The switch for the page of a command that has it anyway, or only if it is asked for. */
export const uiFlag = (help: string, isOn: boolean): Flag => ({
  flag: "ui",
  help,
  ...isOn && { default: "true" },
  parse: parseBoolean,
});

/** The flags that limit the memory of the page and of the reports. */
export const retentionFlags: readonly Flag[] = [
  {
    flag: "retention-time",
    placeholder: "DURATION",
    help: "How long the live page and the reports keep points.",
    default: defaultRetention,
    parse: parsePeriod,
  },
  {
    flag: "retention-size",
    placeholder: "BYTES",
    help: "Their memory for series and points, such as 128MB. With more, points get a coarser resolution in time.",
    default: "128MB",
    parse: parseSize,
  },
];

/** The flags of a command with a page. */
export const liveFlags: readonly Flag[] = [
  { flag: "open", help: "Open the live page in the browser.", parse: parseBoolean },
  ...retentionFlags,
];

/** Returns the limits that the flags set. */
export function liveLimits({ values }: Arguments): LiveLimits {
  return {
    retentionMs: Number(values.get("retention-time") ?? parsePeriod(defaultRetention, "")),
    maxBytes: Number(values.get("retention-size") ?? defaultMaxBytes),
  };
}

/** Reads the number of a port. */
export function parsePort(text: string, source: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw unreadable(source, text, "a whole number from 0 to 65535");
  return port;
}

const sizes: Readonly<Record<string, number>> = {
  "": 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

function parseSize(text: string, source: string): number {
  const [, number = "", unit = ""] = /^(\d+)\s*([a-z]*)$/i.exec(text) ?? [];
  const bytes = Number(number) * (sizes[unit.toUpperCase()] ?? NaN);
  // With less, there is no room for the series of a usual test.
  if (number === "" || !(bytes >= 1_000_000)) throw unreadable(source, text, "a size of at least 1MB, such as 128MB");
  return bytes;
}

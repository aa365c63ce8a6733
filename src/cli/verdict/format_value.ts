/**
 * Values for people, as in k6's summary.
 *
 * @module
 */
import type { ValueType } from "../../k6/metric.ts";

/** The kind of a value: a number, milliseconds, bytes, or a share from 0 to 1. */
export type ValueKind = ValueType | "share";

/** Formats a value as k6 does: without its further decimals, for example `12.35ms`, `1.2 MB`, `98.00%`, `373`. */
export function formatValue(value: number, kind: ValueKind): string {
  if (!Number.isFinite(value)) return String(value);
  switch (kind) {
    case "time":
      return formatMs(value);
    case "data":
      return formatSize(value);
    case "share":
      return `${truncate(value * 100, 2).toFixed(2)}%`;
    case "default":
      return formatNumber(value);
  }
}

/** Formats a relative change, for example `+4.2 %`. */
export function formatChange(change: number): string {
  if (Number.isNaN(change)) return "";
  if (!Number.isFinite(change)) return change > 0 ? "new" : "gone";
  const percent = change * 100;
  const digits = Math.abs(percent) < 10 ? 2 : 1;
  return `${percent < 0 ? "" : "+"}${truncate(percent, digits).toFixed(digits)} %`;
}

function formatMs(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return "0s";
  if (size < 1e-3) return `${formatNumber(ms * 1e6)}ns`;
  if (size < 1) return `${formatNumber(ms * 1e3)}µs`;
  if (size < 1000) return `${formatNumber(ms)}ms`;
  if (size < 60_000) return `${formatNumber(ms / 1000)}s`;
  const minutes = Math.trunc(ms / 60_000);
  return `${minutes}m${formatNumber(Math.abs(ms - minutes * 60_000) / 1000)}s`;
}

function formatSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${formatNumber(value)} ${units[unit]}`;
}

/** Returns a number with at most two decimals, or three significant digits if it is small. */
function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  if (Math.abs(value) >= 1) return String(truncate(value, 2));
  return String(Number(value.toExponential(exactDigits - 1).replace(/(\.\d\d)\d+/, "$1")));
}

/** So many digits of a number are without the error of a binary fraction: 0.29 * 100 is 28.999999999999996. */
const exactDigits = 15;

/** Cuts decimals off. Rounding could show a value that misses a bound as the bound. */
function truncate(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.trunc(Number((value * factor).toPrecision(exactDigits))) / factor;
}

/**
 * Values for people, as in k6's summary.
 *
 * @module
 */
import type { ValueType } from "../../k6/metric.ts";

/** The kind of a value: a number, milliseconds, bytes, or a share from 0 to 1. */
export type ValueKind = ValueType | "share";

/** Formats a value, for example `12.35ms`, `1.2 MB`, `98.00%`, `373`. */
export function formatValue(value: number, kind: ValueKind): string {
  if (!Number.isFinite(value)) return String(value);
  switch (kind) {
    case "time":
      return formatMs(value);
    case "data":
      return formatSize(value);
    case "share":
      return `${(value * 100).toFixed(2)}%`;
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
  return `${percent < 0 ? "" : "+"}${percent.toFixed(digits)} %`;
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
  for (; Math.abs(value) >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${formatNumber(value)} ${units[unit]}`;
}

/** At most two decimals, or three significant digits for small numbers. */
function formatNumber(value: number): string {
  return String(Number(Math.abs(value) >= 1 ? value.toFixed(2) : value.toPrecision(3)));
}

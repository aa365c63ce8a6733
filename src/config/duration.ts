/**
 * Durations as k6 and Go write them.
 *
 * @module
 */

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads `1s`, `500ms`, `1m30s`, `1.5h`, `1d`. A plain number means milliseconds, as in k6.
 *
 * @returns milliseconds, not negative; undefined if the string is not a duration
 */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^(\d+(\.\d*)?|\.\d+)$/.test(trimmed)) return Number(trimmed);
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y;
  let sum = 0;
  for (let at = 0; at < trimmed.length; at = part.lastIndex) {
    part.lastIndex = at;
    const match = part.exec(trimmed);
    if (match === null) return undefined;
    sum += Number(match[1]) * (unitsMs[match[2] ?? ""] ?? NaN);
  }
  return trimmed === "" ? undefined : sum;
}

/** Formats a duration in its shortest usual form, such as `30ms`, `1.5s` or `5m`. */
export function formatDurationMs(ms: number): string {
  const rounded = (value: number): string => String(Math.round(value * 100) / 100);
  if (ms < 1000) return `${rounded(ms)}ms`;
  if (ms < 60_000) return `${rounded(ms / 1000)}s`;
  const seconds = rounded((ms % 60_000) / 1000);
  return `${Math.floor(ms / 60_000)}m${seconds === "0" ? "" : `${seconds}s`}`;
}

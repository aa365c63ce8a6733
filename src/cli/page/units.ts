/**
 * Numbers with their units, as people read them.
 *
 * @module
 */

/** What a number measures. */
export type Unit = "seconds" | "bytes" | "bytes/s" | "ratio" | "count" | "/s" | "none";

/** Formats a value with three significant digits and a unit that suits its size. */
export function format(value: number | undefined, unit: Unit): string {
  // A line must not end between a number and its unit.
  return formatPlain(value, unit).replaceAll(" ", "\u00a0");
}

function formatPlain(value: number | undefined, unit: Unit): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  switch (unit) {
    case "seconds":
      return formatSeconds(value);
    case "bytes":
      return scaled(value, ["B", "kB", "MB", "GB", "TB"]);
    case "bytes/s":
      return scaled(value, ["B/s", "kB/s", "MB/s", "GB/s"]);
    case "ratio":
      return `${digits(value * 100)} %`;
    case "/s":
      return `${formatNumber(value)}/s`;
    case "count":
    case "none":
      return formatNumber(value);
  }
}

/** Formats a whole number with separators. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",") : "–";
}

/** Formats a time of day. */
export function formatTime(ms: number): string {
  const time = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** Formats a date and a time of day. */
export function formatDate(ms: number): string {
  const time = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${formatTime(ms)}`;
}

/** Formats a duration such as 1m 05s. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number): string => String(part).padStart(2, "0");
  return hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(rest)}s`;
}

/** Formats a time after the start, such as 1:05. */
export function formatElapsed(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Returns the unit of a metric, by its metadata or by its name. */
export function unitOf(name: string, unit: string | undefined): Unit {
  if (unit === "seconds" || unit === "bytes" || unit === "ratio") return unit;
  if (/(?:^|_)seconds(?:_|$)/.test(name)) return "seconds";
  if (/(?:^|_)bytes(?:_|$)/.test(name)) return "bytes";
  if (/_(?:rate|ratio)$/.test(name)) return "ratio";
  return "none";
}

function formatSeconds(value: number): string {
  const size = Math.abs(value);
  // A bucket of zero is not quite empty.
  if (size < 1e-12) return "0 s";
  if (size < 1e-3) return `${digits(value * 1e6)} µs`;
  if (size < 1) return `${digits(value * 1e3)} ms`;
  if (size < 600) return `${digits(value)} s`;
  return formatDuration(value * 1000);
}

function scaled(value: number, units: readonly string[]): string {
  let [size, index] = [value, 0];
  for (; Math.abs(size) >= 999.5 && index < units.length - 1; index++) size /= 1000;
  return `${digits(size)} ${units[index]}`;
}

function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15 || size > 0 && size < 1e-4) return value.toExponential(2);
  if (size >= 1e9) return `${digits(value / 1e9)}G`;
  if (size >= 1e6) return `${digits(value / 1e6)}M`;
  if (size >= 1e4) return `${digits(value / 1e3)}k`;
  return size >= 1000 ? formatCount(value) : digits(value);
}

/** Returns three significant digits, without zeros at the end. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

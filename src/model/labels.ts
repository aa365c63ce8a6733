/**
 * Makes names valid, as 1.0 requires and 2.0 prefers.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#labels
 * @module
 */
import type { Label } from "./time_series.ts";

/** Returns a metric name that matches `[a-zA-Z_:][a-zA-Z0-9_:]*`: other characters become `_`. */
export function validMetricName(name: string): string {
  const valid = name.replace(/[^a-zA-Z0-9_:]/gu, "_");
  return /^[0-9]/.test(valid) || valid === "" ? `_${valid}` : valid;
}

/**
 * Returns a label name that matches `[a-zA-Z_][a-zA-Z0-9_]*` and does not begin with `__`, because Prometheus reserves those
 * names.
 */
export function validLabelName(name: string): string {
  const valid = name.replace(/[^a-zA-Z0-9_]/gu, "_");
  if (valid.startsWith("__")) return `tag${valid}`;
  return /^[0-9]/.test(valid) || valid === "" ? `_${valid}` : valid;
}

/** Returns the name of the metric, the value of the label `__name__`; undefined if there is none. */
export function metricName(labels: readonly Label[]): string | undefined {
  return labels.find(({ name }) => name === "__name__")?.value;
}

/** Compares the names of labels. For valid names, which are ASCII, this is the byte order that receivers require. */
export function byName(a: Label, b: Label): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Compares two strings in the order of their UTF-8 bytes. Surrogates come last: they stand for the highest code points. */
export function compareUtf8(a: string, b: string): number {
  // Labels often share a string, and comparing its reference is quick.
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    const surrogates = Number((x & 0xf800) === 0xd800) - Number((y & 0xf800) === 0xd800);
    return surrogates === 0 ? x - y : surrogates;
  }
  return a.length - b.length;
}

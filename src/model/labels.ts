/**
 * Makes labels that every receiver takes from tags that may be anything: k6 sends tag names unchecked, and a tag named
 * `__name__` beside the metric's own makes Prometheus drop the series.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#labels
 * @module
 */
import type { Label } from "./time_series.ts";

/** A metric name that matches `[a-zA-Z_:][a-zA-Z0-9_:]*`. */
export function validMetricName(name: string): string {
  const valid = name.replace(/[^a-zA-Z0-9_:]/gu, "_");
  return /^[0-9]/.test(valid) || valid === "" ? `_${valid}` : valid;
}

/** A label name that matches `[a-zA-Z_][a-zA-Z0-9_]*`; names that begin with `__` are Prometheus's own. */
export function validLabelName(name: string): string {
  const valid = name.replace(/[^a-zA-Z0-9_]/gu, "_");
  if (valid.startsWith("__")) return `tag${valid}`;
  return /^[0-9]/.test(valid) || valid === "" ? `_${valid}` : valid;
}

/**
 * Gives tags valid and unique label names. Names that are valid stay as they are; of those that become equal, the first in
 * order keeps the name and the others get `_2`, `_3`. Values are what UTF-8 makes of them: series that only half a surrogate pair
 * tells apart would be the same to the receiver.
 *
 * @param tags without empty names and values
 * @param reserved label names that the series needs for itself
 * @param onChange told of each name that changed
 * @returns sorted by name
 */
export function labelsOf(
  tags: ReadonlyMap<string, string>,
  { reserved = [], onChange }: { reserved?: Iterable<string>; onChange?: (from: string, to: string) => void } = {},
): Label[] {
  const taken = new Set(reserved);
  const labels: Label[] = [];
  const changed: string[] = [];
  for (const [name, value] of tags) {
    if (taken.has(name) || validLabelName(name) !== name) {
      changed.push(name);
    } else {
      taken.add(name);
      labels.push({ name, value: value.toWellFormed() });
    }
  }
  for (const name of changed.sort()) {
    const base = validLabelName(name);
    let label = base;
    for (let number = 2; taken.has(label); number++) label = validLabelName(`${base}_${number}`);
    taken.add(label);
    labels.push({ name: label, value: (tags.get(name) ?? "").toWellFormed() });
    onChange?.(name, label);
  }
  return labels.sort(byName);
}

/** Byte order: valid names are ASCII, where it is the order of the characters. */
export function byName(a: Label, b: Label): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

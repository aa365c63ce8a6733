import { byName, validLabelName } from "../../model/labels.ts";
import type { Label } from "../../model/time_series.ts";

/** The names that `labelsOf` must not use, and where it reports changed names. */
interface LabelsOfOptions {
  /** Label names that the series needs for itself. @default [] */
  readonly reserved?: Iterable<string>;
  /** Receives each tag name that is changed, with the label name that replaces it. */
  onChange?(from: string, to: string): void;
}

/**
 * Returns the labels of tags, sorted by name. k6 does not check tag names, and Prometheus drops a series with an invalid or
 * duplicate label name, such as a tag named `__name__`. A valid name stays as it is. If several names become equal, the first
 * one in order keeps the name, and the others get `_2`, `_3`. An unpaired surrogate in a value becomes U+FFFD, as it does in
 * UTF-8: otherwise, two series could differ here and be equal for the receiver.
 *
 * @param tags have no empty names and no empty values
 */
export function labelsOf(
  tags: ReadonlyMap<string, string>,
  { reserved = [], onChange }: LabelsOfOptions = {},
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

/**
 * Escapes names for 1.0, which allows only some characters of ASCII in the names of metrics and labels. 2.0 allows all of UTF-8.
 *
 * @see https://prometheus.io/docs/instrumenting/escaping_schemes/
 * @module
 */
import { byName } from "../model/labels.ts";
import type { Label } from "../model/time_series.ts";
import { type OnInvalid, seriesError, type SeriesPoints } from "./read_series.ts";

/**
 * How names are escaped, as in Prometheus: `underscores` replaces each other character by `_`; `values` replaces it by its code and
 * puts `U__` in front, so that different names stay different.
 */
export type NameEscaping = "underscores" | "values";

/** Returns how a sender escapes the names of its series; undefined if it will not use 1.0. */
export function escapingOf(
  { protocol, nameEscaping }: { readonly protocol: string; readonly nameEscaping: NameEscaping },
): NameEscaping | undefined {
  return protocol === "2.0" ? undefined : nameEscaping;
}

/** Returns a name that 1.0 allows. A valid name does not change. */
export function escapeName(name: string, escaping: NameEscaping, kind: "metric" | "label" = "metric"): string {
  // Prometheus keeps a colon in the name of a label, too, but 1.0 does not allow it there.
  const invalid = kind === "metric" ? /[^\w:]|^\d/gu : /\W|^\d/gu;
  const escaped = name.replace(invalid, "_");
  if (escaping === "underscores" || escaped === name) return escaped;
  const toCode = (character: string): string => `_${character.codePointAt(0)?.toString(16)}_`;
  return `U__${name.replaceAll("_", "__").replace(invalid, toCode)}`;
}

/** Returns labels with the names that they have in 1.0, in their order there. */
export function escapeLabels(labels: readonly Label[], escaping: NameEscaping): Label[] {
  return labels.map(({ name, value }) => ({
    name: escapeName(name, escaping, "label"),
    value: name === "__name__" ? escapeName(value, escaping) : value,
  })).sort(byName);
}

/**
 * Leaves out series that 1.0 cannot distinguish from another one, because their names become the same.
 *
 * @throws FormatError if there is no `onInvalid`
 */
export function distinctSeries(
  series: readonly SeriesPoints[],
  escaping: NameEscaping,
  onInvalid?: OnInvalid,
): readonly SeriesPoints[] {
  const plain = series.filter(({ isV1 }) => isV1);
  if (plain.length === series.length) return series;
  const taken = new Set(plain.map(({ labels }) => JSON.stringify(labels)));
  return series.filter(({ labels, isV1, points }) => {
    if (isV1) return true;
    const escaped = escapeLabels(labels, escaping);
    const key = JSON.stringify(escaped);
    const isUnique = escaped.every(({ name }, index) => name !== escaped[index - 1]?.name);
    if (isUnique && !taken.has(key)) return taken.add(key);
    const expected = 'expected the option nameEscaping "values", or protocol "2.0"';
    const error = seriesError(labels, `in 1.0, its ${isUnique ? "name" : "labels"} would not be unique, ${expected}`);
    if (onInvalid === undefined) throw error;
    onInvalid(error, points.length);
    return false;
  });
}

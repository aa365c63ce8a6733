import { compareUtf8 } from "../model/labels.ts";
import { printable } from "../model/printable.ts";
import type { Label } from "../model/time_series.ts";

/**
 * Returns a series in PromQL's notation with sorted labels, such as `up{instance="b",job="a"}`. Two series have the same
 * notation only if they have the same labels, in any order.
 */
export function formatSeries(labels: readonly Label[]): string {
  const sorted = labels.toSorted(compareLabels);
  const named = sorted.findIndex(({ name, value }) => name === "__name__" && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value));
  const texts = sorted
    .filter((_label, index) => index !== named)
    .map(({ name, value }) => `${/^[a-zA-Z_]\w*$/.test(name) ? name : quoted(name)}=${quoted(value)}`);
  const name = sorted[named]?.value ?? "";
  return texts.length === 0 && name !== "" ? name : `${name}{${texts.join(",")}}`;
}

/** Returns a string in quotation marks, with control characters escaped, so that the notation can be printed. */
function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

function compareLabels(a: Label, b: Label): number {
  return compareUtf8(a.name, b.name) || compareUtf8(a.value, b.value);
}

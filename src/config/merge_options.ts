/**
 * Options from several sources as one.
 *
 * @module
 */
import type { DescribedOptions } from "./import_features.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** Options that are labels under another name. */
const labelOptions = ["instance", "testid"] as const;

/**
 * Lays options over others: a value replaces the one below it, but objects (headers, labels, parts of a way to authenticate) are
 * merged by name, those of headers in whatever case. A label `testid` or `instance` replaces the option of that name below it.
 */
export function mergeOptions(
  below: RemoteWriteOutputOptions,
  above: RemoteWriteOutputOptions,
): RemoteWriteOutputOptions;
export function mergeOptions(below: DescribedOptions, above: DescribedOptions): DescribedOptions;
export function mergeOptions(below: DescribedOptions, above: DescribedOptions): DescribedOptions {
  const hidden = labelOptions.filter((name) => above.labels?.[name] !== undefined);
  const visible = Object.entries(below).filter(([option]) => hidden.every((name) => name !== option));
  return mergeSameSource(Object.fromEntries(visible), above);
}

/** As `mergeOptions`, but what is below comes from the same source, so that no name of an option hides another. */
export function mergeSameSource(below: DescribedOptions, above: DescribedOptions): DescribedOptions {
  const merged: Record<string, unknown> = { ...below };
  for (const [option, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const before = merged[option] ?? (option === "headers" ? {} : undefined);
    if (!isPlain(before) || !isPlain(value)) merged[option] = value;
    else merged[option] = option === "headers" ? mergeHeaders(before, value) : { ...before, ...value };
  }
  return merged;
}

/** HTTP does not tell names apart by case, and would send both. */
function mergeHeaders(
  below: Readonly<Record<string, unknown>>,
  above: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = [...Object.entries(below), ...Object.entries(above)];
  return Object.fromEntries(new Map(entries.map((entry) => [entry[0].toLowerCase(), entry])).values());
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

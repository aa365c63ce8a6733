/**
 * Merges options of several sources.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** The options that set a label. */
const labelOptions = ["instance", "testid"] as const;

/**
 * Merges two sets of options: a value of `above` replaces the value of `below`. Objects (headers, labels) are merged by name; the
 * names of headers are equal in any case. A label `testid` or `instance` of `above` replaces the option of that name of `below`.
 */
export function mergeOptions<Options extends Pick<RemoteWriteOutputOptions, "labels">>(
  below: Options,
  above: Options,
): Options {
  for (const options of [below, above]) {
    if (typeof options === "object" && options !== null) continue;
    throw new ConfigurationError(`Cannot merge options: they are of type ${typeof options}, expected two objects`);
  }
  const hidden = labelOptions.filter((name) => above.labels?.[name] !== undefined);
  const visible = Object.entries(below).filter(([option]) => hidden.every((name) => name !== option));
  return mergeSameSource<Options>(Object.fromEntries(visible), above);
}

/** Merges options of one source, in which a label does not replace the option of its name. */
export function mergeSameSource<Options extends object>(below: object, above: Options): Options;
export function mergeSameSource(below: object, above: object): object {
  const merged: Record<string, unknown> = { ...below };
  for (const [option, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const before = merged[option] ?? (option === "headers" ? {} : undefined);
    if (!isPlain(before) || !isPlain(value)) merged[option] = value;
    else merged[option] = option === "headers" ? mergeHeaders(before, value) : { ...before, ...value };
  }
  return merged;
}

/** HTTP ignores the case of names, but would send both headers. */
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

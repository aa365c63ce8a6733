/**
 * Options from several sources as one.
 *
 * @module
 */
import type { TextOption } from "./option_spec.ts";
import type { RemoteWriteOutputOptions } from "../options.ts";

/**
 * Lays options over others: a value replaces the one below it, but objects (headers, labels, parts of a way to authenticate) are
 * merged by name.
 */
export function mergeOptions(
  below: RemoteWriteOutputOptions,
  above: RemoteWriteOutputOptions,
): RemoteWriteOutputOptions {
  const merged: Record<string, unknown> = { ...below };
  for (const [option, value] of Object.entries(above)) {
    if (value !== undefined) merged[option] = mergeValues(merged[option], value);
  }
  return merged;
}

/** Options with one more value, or a part of one. */
export function withOption(
  options: RemoteWriteOutputOptions,
  { option, value }: { readonly option: TextOption; readonly value: unknown },
): RemoteWriteOutputOptions {
  return mergeOptions(options, { [option]: value });
}

function mergeValues(below: unknown, above: unknown): unknown {
  return isPlain(below) && isPlain(above) ? { ...below, ...above } : above;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

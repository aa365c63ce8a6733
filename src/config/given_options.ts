/**
 * Turns the values of one source into raw options.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { mergeSameSource } from "./merge_options.ts";
import type { RawOptions } from "./raw_options.ts";
import type { TextOption } from "./text_option.ts";

/** A value, or a part of a value, from one source. */
export interface GivenValue {
  readonly option: TextOption;
  /** The value as `TextOption.parse` read it. */
  readonly value: unknown;
  /** Where it comes from, for messages: the variable, the flag or the key. */
  readonly source: string;
}

/**
 * Returns the options that values give. If two values belong to one option, the later value counts.
 *
 * @throws ConfigurationError if k6's switch for native histograms contradicts another choice
 */
export function optionsOf(values: readonly GivenValue[]): RawOptions {
  const forms = values.filter(({ option }) => option.option === "trendAs");
  const native = forms.find(({ value }) => value === "native");
  const other = forms.find(({ value }) => value !== "native");
  if (native !== undefined && other !== undefined) {
    throw new ConfigurationError(
      `Cannot read the options: ${native.source} says that trendAs is "native", and ${other.source} that it is "${other.value}", expected one of them`,
    );
  }
  // An explicit false of the switch only means "not native"; it does not choose another form.
  const choice = forms.findLast(({ option }) => option.placeholder !== undefined);
  return [...values, ...choice === undefined ? [] : [choice]].reduce(
    (options: RawOptions, { option, value }) => mergeSameSource<RawOptions>(options, { [option.option]: value }),
    {},
  );
}

/**
 * Options of one source, made of the values that it gives.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { mergeSameSource } from "./merge_options.ts";
import type { OptionDefinition } from "./option_definition.ts";
import type { DescribedOptions } from "./import_features.ts";

/** A value, or a part of one, as a source gives it. */
export interface GivenValue {
  /** Of what. */
  readonly spec: OptionDefinition;
  /** As it was read. */
  readonly value: unknown;
  /** What to call it in an error: the variable, the flag, the key. */
  readonly source: string;
}

/**
 * Options from values; of two values of one option the later one counts.
 *
 * @throws ConfigurationError where k6's switch for native histograms contradicts the choice beside it
 */
export function optionsOf(values: readonly GivenValue[]): DescribedOptions {
  const forms = values.filter(({ spec }) => spec.option === "trendAs");
  const native = forms.find(({ value }) => value === "native");
  const other = forms.find(({ value }) => value !== "native");
  if (native !== undefined && other !== undefined) {
    throw new ConfigurationError(
      `Cannot read the options: ${native.source} says that trendAs is "native", and ${other.source} that it is "${other.value}", expected one of them`,
    );
  }
  // That something is not native, which is all that the switch can say beside it, is no choice.
  const choice = forms.findLast(({ spec }) => spec.placeholder !== undefined);
  return [...values, ...choice === undefined ? [] : [choice]].reduce(
    (options: DescribedOptions, { spec, value }) => mergeSameSource(options, { [spec.option]: value }),
    {},
  );
}

import type { OptionDefinition } from "../client/option_definition.ts";
import { ConfigurationError } from "../model/errors.ts";
import { isRecord } from "../model/records.ts";

type Labels = Readonly<Record<string, string>>;

/** The definition of the option `labels`: labels of all series, by name. */
export const labelsOption: OptionDefinition<Labels> & { readonly default: Labels } = {
  kind: "labels",
  default: {},
  check: checkLabels,
};

function checkLabels(labels: unknown): void {
  if (isRecord(labels) && Object.values(labels).every((value) => typeof value === "string")) return;
  throw new ConfigurationError(
    "Cannot use the option labels: it is not an object of strings, expected { name: value }",
  );
}

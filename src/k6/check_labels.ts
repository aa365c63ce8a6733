/**
 * The check of labels that a user writes as an option.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { validLabelName } from "../model/labels.ts";

/**
 * Checks labels. A tag's invalid name is changed, but an invalid name that the user wrote as an option is a mistake.
 *
 * @param option the option's name, for errors
 * @throws {ConfigurationError} naming the option, the label and what was expected
 */
export function checkLabels(option: string, labels: unknown): void {
  if (typeof labels !== "object" || labels === null || Array.isArray(labels)) {
    throw labelError(option, `it is ${JSON.stringify(labels)}`, "an object { name: value }");
  }
  for (const [name, value] of Object.entries(labels)) {
    if (validLabelName(name) !== name) {
      throw labelError(
        option,
        `it has the label "${name}"`,
        "names of the form [a-zA-Z_][a-zA-Z0-9_]*, not beginning with __",
      );
    }
    if (typeof value !== "string") throw labelError(`${option}.${name}`, `it is ${JSON.stringify(value)}`, "a string");
  }
}

function labelError(option: string, actual: string, expected: string): ConfigurationError {
  return new ConfigurationError(`Cannot use the option ${option}: ${actual}, expected ${expected}`);
}

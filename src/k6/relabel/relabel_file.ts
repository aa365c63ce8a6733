/**
 * Reads a file of relabelling rules.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { jsonProblem, parseShallowJson } from "../../model/shallow_json.ts";
import { checkRelabelConfig, type RelabelConfig, relabelError } from "./relabel_config.ts";
import { compileRule } from "./relabel_rules.ts";

/**
 * Reads the content of a JSON file: a list of relabelling rules, or an object whose only field `write_relabel_configs` is the list.
 * Checks the rules, so that errors name the file.
 *
 * @param name the file's name, for errors
 * @throws {ConfigurationError} if the content is not JSON, or a rule has an unknown field, a wrong value or an invalid pattern
 */
export function parseRelabelFile(text: string, name: string): RelabelConfig[] {
  const content = parseJson(text, name);
  if (Array.isArray(content)) return checkList(content, name);
  const [[key, list] = [], ...others] = Object.entries(Object(content));
  if (key !== "write_relabel_configs" || !Array.isArray(list) || others.length > 0) {
    throw relabelError(
      name,
      content,
      "a list of rules, or an object whose only field write_relabel_configs is a list of rules",
    );
  }
  return checkList(list, `${name}: ${key}`);
}

function checkList(list: readonly unknown[], where: string): RelabelConfig[] {
  return list.map((config, index) => {
    const checked = checkRelabelConfig(config, `${where}[${index}]`);
    compileRule(checked, `${where}[${index}]`);
    return checked;
  });
}

function parseJson(text: string, name: string): unknown {
  try {
    return parseShallowJson(text);
  } catch (cause) {
    const hint = /^\s*(#|---|- |\w+:)/.test(text) ? "; YAML must be converted to JSON first" : "";
    const message = `Cannot relabel: ${name} ${jsonProblem(cause)}, expected a JSON list of rules${hint}`;
    throw new ConfigurationError(message, { cause });
  }
}

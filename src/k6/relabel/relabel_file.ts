/**
 * Rules of relabelling in a file.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { checkRelabelConfig, type RelabelConfig, relabelError } from "./relabel_config.ts";

/**
 * Reads a JSON file of rules: a list of them, or an object that has the list as `write_relabel_configs` and nothing else.
 *
 * @param name of the file, for errors
 * @throws {ConfigurationError} if it is not JSON, or a rule has unknown fields or wrong values
 */
export function parseRelabelFile(text: string, name: string): RelabelConfig[] {
  const content = parseJson(text, name);
  if (Array.isArray(content)) return checkList(content, name);
  const [[key, list] = [], ...others] = Object.entries(Object(content));
  if (key !== "write_relabel_configs" || !Array.isArray(list) || others.length > 0) {
    throw relabelError(name, content, "a list of rules, or an object whose only field, write_relabel_configs, is one");
  }
  return checkList(list, `${name}: ${key}`);
}

function checkList(list: readonly unknown[], where: string): RelabelConfig[] {
  return list.map((config, index) =>
    // Names are checked more strictly when the rules are compiled, if the options ask for it.
    checkRelabelConfig(config, `${where}[${index}]`, { nameValidationScheme: "utf8" })
  );
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = /^\s*(#|---|- |\w+:)/.test(text) ? "; YAML must be converted to JSON first" : "";
    const message = `Cannot relabel: ${name} is not JSON, expected a JSON list of rules${hint}`;
    throw new ConfigurationError(message, { cause });
  }
}

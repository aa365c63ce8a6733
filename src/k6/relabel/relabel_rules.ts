/**
 * Relabelling rules with the semantics of Prometheus's `write_relabel_configs`.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 * @module
 */
import { markUncalled } from "../uncalled.ts";
import { type CheckedRelabelConfig, checkRelabelConfig, type RelabelConfig, relabelError } from "./relabel_config.ts";
import { md5 } from "./relabel_md5.ts";
import { compilePattern } from "./relabel_pattern.ts";

/**
 * Returns the new labels of a series, `__name__` among them, or undefined if a rule drops the series or no label is left. It does
 * not change the labels that it is given. A label without a value counts as missing.
 */
export type Relabel = (labels: ReadonlyMap<string, string>) => Map<string, string> | undefined;

/** A compiled rule: changes the labels, or returns false to drop the series. */
type Rule = (labels: Map<string, string>) => boolean | void;

/**
 * Checks and compiles relabelling rules. They apply in order. Patterns are in RE2's syntax, match whole strings, and take time in
 * proportion to the length of the string.
 *
 * @throws {ConfigurationError} naming the rule by its index, the field, its value and what was expected
 * @example
 * ```ts
 * import { relabelRules } from "k6-remote-write/relabel";
 *
 * const relabel = relabelRules([
 *   { source_labels: ["url"], regex: "https?://([^/]+).*", target_label: "host" },
 *   { action: "labeldrop", regex: "url" },
 * ]);
 * relabel(new Map([["url", "https://test.k6.io/a"]])); // Map { "host" => "test.k6.io" }
 * ```
 */
export function relabelRules(configs: readonly RelabelConfig[]): Relabel {
  if (!Array.isArray(configs)) throw relabelError("rules", configs, "a list of rules");
  const rules = configs.map((config, index) => {
    const where = `rules[${index}]`;
    return compileRule(checkRelabelConfig(config, where), where);
  });
  return (labels) => {
    const relabelled = new Map<string, string>();
    for (const [name, value] of labels) setLabel(relabelled, name, value);
    const kept = rules.every((rule) => rule(relabelled) !== false);
    return kept && relabelled.size > 0 ? relabelled : undefined;
  };
}

markUncalled(relabelRules);

/**
 * Compiles a checked rule to a function.
 *
 * @param where names the rule in errors
 * @throws {ConfigurationError} if its pattern is not in RE2's syntax
 */
export function compileRule(config: CheckedRelabelConfig, where: string): Rule {
  const { action, sourceLabels, separator, modulus, targetLabel } = config;
  const pattern = patternOf(config, where);
  const join = (labels: Map<string, string>): string =>
    sourceLabels.map((name) => labels.get(name) ?? "").join(separator);
  const setTarget = (valueOf: (joined: string) => string): Rule => (labels) =>
    setLabel(labels, targetLabel, valueOf(join(labels)));

  switch (action) {
    case "keep":
      return (labels) => pattern.matches(join(labels));
    case "drop":
      return (labels) => !pattern.matches(join(labels));
    case "keepequal":
      return (labels) => join(labels) === (labels.get(targetLabel) ?? "");
    case "dropequal":
      return (labels) => join(labels) !== (labels.get(targetLabel) ?? "");
    case "lowercase":
      return setTarget((joined) => mapCharacters(joined, (character) => character.toLowerCase()));
    case "uppercase":
      return setTarget((joined) => mapCharacters(joined, (character) => character.toUpperCase()));
    case "hashmod":
      return setTarget((joined) => String(hashOf(joined) % BigInt(modulus)));
    case "replace": {
      const expand = pattern.expander([targetLabel, config.replacement]);
      return (labels) => {
        const [name = "", value = ""] = expand(join(labels)) ?? [];
        setLabel(labels, name, value);
      };
    }
    case "labelmap": {
      const expand = pattern.expander([config.replacement]);
      return (labels) => {
        // Prometheus's order: if two labels get the same name, the later one wins.
        for (const [name, value] of [...labels].sort(([a], [b]) => a < b ? -1 : 1)) {
          const [mapped = ""] = expand(name) ?? [];
          setLabel(labels, mapped, value);
        }
      };
    }
    case "labeldrop":
      return (labels) => deleteLabels(labels, (name) => pattern.matches(name));
    case "labelkeep":
      return (labels) => deleteLabels(labels, (name) => !pattern.matches(name));
  }
}

function patternOf({ regex }: CheckedRelabelConfig, where: string): ReturnType<typeof compilePattern> {
  try {
    return compilePattern(regex);
  } catch (error) {
    if (error instanceof SyntaxError) throw relabelError(`${where}.regex`, regex, `RE2 syntax: ${error.message}`);
    throw error;
  }
}

/** An empty value deletes the label. A label without a name is not set. */
function setLabel(labels: Map<string, string>, name: string, value: string): void {
  if (value === "") labels.delete(name);
  else if (name !== "") labels.set(name, value);
}

function deleteLabels(labels: Map<string, string>, isUnwanted: (name: string) => boolean): void {
  for (const name of [...labels.keys()]) if (isUnwanted(name)) labels.delete(name);
}

/** Go maps each character to one character. A character that JavaScript maps to several, such as the German sharp s, stays. */
function mapCharacters(value: string, map: (character: string) => string): string {
  return Array.from(value, (character) => {
    const [mapped = "", ...more] = map(character);
    return more.length === 0 ? mapped : character;
  }).join("");
}

/** Returns the last 8 bytes of the MD5 digest, as Prometheus does. */
function hashOf(value: string): bigint {
  return new DataView(md5(new TextEncoder().encode(value)).buffer).getBigUint64(8);
}

/**
 * Relabelling in the terms of Prometheus's `write_relabel_configs`.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 * @module
 */
import {
  type CheckedRelabelConfig,
  checkRelabelConfig,
  isLabelName,
  type NameValidationScheme,
  type RelabelConfig,
  relabelError,
} from "./relabel_config.ts";
import { md5 } from "./relabel_md5.ts";
import { compileRelabelRegex } from "./relabel_regex.ts";
import { compileRelabelTemplate, type RelabelTemplate } from "./relabel_template.ts";

/**
 * Gives a series its new labels, `__name__` among them; undefined if it is dropped, or no label is left. The labels given are
 * not changed.
 */
export type Relabel = (labels: ReadonlyMap<string, string>) => Map<string, string> | undefined;

/** How rules are taken. */
export interface RelabelOptions {
  /** Which label names the rules may set. @default "utf8" */
  readonly nameValidationScheme?: NameValidationScheme;
}

/** A rule, ready: changes the labels, or returns false to drop the series. */
type Rule = (labels: Map<string, string>) => boolean | void;

/**
 * Makes rules ready for use; they apply in order.
 *
 * @throws {ConfigurationError} naming the rule, the field, its value and what was expected
 */
export function compileRelabelConfigs(configs: readonly RelabelConfig[], options: RelabelOptions = {}): Relabel {
  const scheme = options.nameValidationScheme ?? "utf8";
  const rules = configs.map((config, index) => {
    const where = `relabelConfigs[${index}]`;
    return compileRule(checkRelabelConfig(config, where, { nameValidationScheme: scheme }), { where, scheme });
  });
  return (labels) => {
    const relabelled = new Map<string, string>();
    for (const [name, value] of labels) setLabel(relabelled, name, value);
    const kept = rules.every((rule) => rule(relabelled) !== false);
    return kept && relabelled.size > 0 ? relabelled : undefined;
  };
}

function compileRule(
  config: CheckedRelabelConfig,
  { where, scheme }: { readonly where: string; readonly scheme: NameValidationScheme },
): Rule {
  const { action, sourceLabels, separator, modulus, targetLabel } = config;
  const regex = compileField(
    () => compileRelabelRegex(config.regex),
    (reason) => relabelError(`${where}.regex`, config.regex, `RE2 syntax that JavaScript can run: ${reason}`),
  );
  const template = (field: "targetLabel" | "replacement"): RelabelTemplate =>
    compileField(
      () => compileRelabelTemplate(config[field], regex),
      (reason) =>
        relabelError(`${where}.${field}`, config[field], `groups that JavaScript fills as RE2 does: ${reason}`),
    );
  const matches = (text: string): boolean => regex.match(text) !== null;
  const join = (labels: Map<string, string>): string =>
    sourceLabels.map((name) => labels.get(name) ?? "").join(separator);
  const setTarget = (valueOf: (joined: string) => string): Rule => (labels) =>
    setLabel(labels, targetLabel, valueOf(join(labels)));

  switch (action) {
    case "keep":
      return (labels) => matches(join(labels));
    case "drop":
      return (labels) => !matches(join(labels));
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
      const [nameOf, valueOf] = [template("targetLabel"), template("replacement")];
      return (labels) => {
        const match = regex.match(join(labels));
        if (match === null) return;
        const name = nameOf(match);
        if (isLabelName(name, scheme)) setLabel(labels, name, valueOf(match));
      };
    }
    case "labelmap": {
      const nameOf = template("replacement");
      return (labels) => {
        // In Prometheus's order: where two names become one, the later wins.
        for (const [name, value] of [...labels].sort(([a], [b]) => a < b ? -1 : 1)) {
          const match = regex.match(name);
          if (match !== null) setLabel(labels, nameOf(match), value);
        }
      };
    }
    case "labeldrop":
      return (labels) => deleteLabels(labels, matches);
    case "labelkeep":
      return (labels) => deleteLabels(labels, (name) => !matches(name));
  }
}

function compileField<T>(compile: () => T, errorOf: (reason: string) => Error): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof SyntaxError) throw errorOf(error.message);
    throw error;
  }
}

/** A label without a value does not exist; one without a name must not. */
function setLabel(labels: Map<string, string>, name: string, value: string): void {
  if (value === "") labels.delete(name);
  else if (name !== "") labels.set(name, value);
}

function deleteLabels(labels: Map<string, string>, isUnwanted: (name: string) => boolean): void {
  for (const name of [...labels.keys()]) if (isUnwanted(name)) labels.delete(name);
}

/** Go maps each character to one: where JavaScript would make it several, as of the German sharp s, it stays. */
function mapCharacters(text: string, map: (character: string) => string): string {
  return Array.from(text, (character) => {
    const [mapped = "", ...more] = map(character);
    return more.length === 0 ? mapped : character;
  }).join("");
}

/** The last 8 bytes of the MD5, as in Prometheus. */
function hashOf(text: string): bigint {
  return new DataView(md5(new TextEncoder().encode(text)).buffer).getBigUint64(8);
}

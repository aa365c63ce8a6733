/**
 * The rules of relabelling as a user gives them, and their check.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";

/** What a rule does. */
export type RelabelAction =
  | "replace"
  | "keep"
  | "drop"
  | "keepequal"
  | "dropequal"
  | "hashmod"
  | "labelmap"
  | "labeldrop"
  | "labelkeep"
  | "lowercase"
  | "uppercase";

/** A rule in the terms of Prometheus's `write_relabel_configs`, whose spelling of the names is taken as well. */
export interface RelabelConfig {
  /** Labels whose values are joined to the text that is matched. @default [] */
  readonly sourceLabels?: readonly string[] | undefined;
  /** The same. */
  readonly source_labels?: readonly string[] | undefined;
  /** What stands between the joined values. @default ";" */
  readonly separator?: string | undefined;
  /** RE2 syntax; matches the whole text. @default "(.*)" */
  readonly regex?: string | undefined;
  /** What `hashmod` divides the hash by; an integer of at least 1. */
  readonly modulus?: number | undefined;
  /** The label that is set; a template for `replace`. */
  readonly targetLabel?: string | undefined;
  /** The same. */
  readonly target_label?: string | undefined;
  /** The new value, a template; for `labelmap` the new name. @default "$1" */
  readonly replacement?: string | undefined;
  /** What is done. @default "replace" */
  readonly action?: RelabelAction | undefined;
}

/**
 * Which label names may be set: any (as in Prometheus since 3.0), or only `[a-zA-Z_][a-zA-Z0-9_]*`, which is what remote write
 * 1.0 allows.
 */
export type NameValidationScheme = "utf8" | "legacy";

/** A rule with its defaults, known to be right but for its expressions. */
export interface CheckedRelabelConfig {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

type Field = keyof CheckedRelabelConfig;

/** Prometheus's own. */
const defaults: CheckedRelabelConfig = {
  action: "replace",
  sourceLabels: [],
  separator: ";",
  regex: "(.*)",
  modulus: 0,
  targetLabel: "",
  replacement: "$1",
};

const actions: readonly RelabelAction[] = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
];

/** The names a user may give to the fields. */
const fields: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["action", "action"],
  ["sourceLabels", "sourceLabels"],
  ["source_labels", "sourceLabels"],
  ["separator", "separator"],
  ["regex", "regex"],
  ["modulus", "modulus"],
  ["targetLabel", "targetLabel"],
  ["target_label", "targetLabel"],
  ["replacement", "replacement"],
]);

/** The actions that need a target. */
const targeting: readonly RelabelAction[] = ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"];

const equality: readonly Field[] = ["regex", "modulus", "separator", "replacement"];
const byName: readonly Field[] = ["sourceLabels", "targetLabel", "modulus", "separator", "replacement"];

/** The fields that Prometheus refuses beside an action; others that have no effect it lets pass. */
const foreign: Readonly<Partial<Record<RelabelAction, readonly Field[]>>> = {
  lowercase: ["replacement"],
  uppercase: ["replacement"],
  keepequal: equality,
  dropequal: equality,
  labeldrop: byName,
  labelkeep: byName,
};

const legacyName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const legacyTemplate = /^(?:[a-zA-Z_]|\$\w+|\$\{\w+\})(?:\w|\$\w+|\$\{\w+\})*$/;

/** Whether a label may have the name. */
export function isLabelName(name: string, scheme: NameValidationScheme): boolean {
  return scheme === "legacy" ? legacyName.test(name) : name !== "";
}

/** An error about a part of the rules. */
export function relabelError(where: string, value: unknown, expected: string): ConfigurationError {
  const shown = value === undefined
    ? "missing"
    : typeof value === "object" || typeof value === "string"
    ? JSON.stringify(value)
    : String(value);
  return new ConfigurationError(`Cannot relabel: ${where} is ${shown}, expected ${expected}`);
}

/**
 * Checks a rule and fills in its defaults.
 *
 * @param where names the rule in errors
 * @throws {ConfigurationError} if something is wrong with it; its expressions are not looked at
 */
export function checkRelabelConfig(
  config: unknown,
  where: string,
  { nameValidationScheme: scheme }: { readonly nameValidationScheme: NameValidationScheme },
): CheckedRelabelConfig {
  const given = readFields(config, where);
  const valueOf = (field: Field): unknown => given.has(field) ? given.get(field)?.[1] : defaults[field];
  const fail = (field: Field, expected: string): never => {
    const [name, value] = given.get(field) ?? [field, undefined];
    throw relabelError(`${where}.${name}`, value, expected);
  };
  const text = (field: "separator" | "regex" | "targetLabel" | "replacement"): string => {
    const value = valueOf(field);
    return typeof value === "string" ? value : fail(field, "a string");
  };

  const actionName = valueOf("action");
  const action = actions.find((known) => typeof actionName === "string" && known === actionName.toLowerCase()) ??
    fail("action", `one of ${actions.join(", ")}`);
  const sourceLabels = valueOf("sourceLabels");
  const modulus = valueOf("modulus");
  const checked: CheckedRelabelConfig = {
    action,
    sourceLabels: isNameList(sourceLabels) ? sourceLabels : fail("sourceLabels", "a list of label names"),
    separator: text("separator"),
    regex: text("regex"),
    modulus: isCount(modulus) ? modulus : fail("modulus", "an integer of at least 1"),
    targetLabel: text("targetLabel"),
    replacement: text("replacement"),
  };

  for (const field of foreign[action] ?? []) {
    const isDefault = field === "sourceLabels" ? checked[field].length === 0 : checked[field] === defaults[field];
    if (!isDefault) fail(field, `none beside the action ${action}`);
  }
  if (action === "hashmod" && checked.modulus === 0) fail("modulus", "an integer of at least 1");
  // Only `replace` expands its target, and only `labelmap` makes names of its replacement.
  const names = scheme === "legacy" ? "a label name ([a-zA-Z_][a-zA-Z0-9_]*)" : "a label name, not empty";
  const isTemplate = (value: string): boolean =>
    scheme === "legacy" && value.includes("$") ? legacyTemplate.test(value) : isLabelName(value, scheme);
  if (targeting.includes(action)) {
    const valid = action === "replace" ? isTemplate(checked.targetLabel) : isLabelName(checked.targetLabel, scheme);
    if (!valid) fail("targetLabel", action === "replace" ? `${names}, or a template of one such as "$1"` : names);
  }
  if (action === "labelmap" && !isTemplate(checked.replacement)) {
    fail("replacement", `${names}, or a template of one such as "$1"`);
  }
  return checked;
}

/** The fields that are there, by their own names: the name that was used, and the value. */
function readFields(config: unknown, where: string): Map<Field, [name: string, value: unknown]> {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw relabelError(where, config, "an object with fields such as action, regex, source_labels");
  }
  const given = new Map<Field, [string, unknown]>();
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined) continue;
    const field = fields.get(name);
    if (field === undefined) {
      throw relabelError(`${where}.${name}`, value, `only the fields ${[...fields.keys()].join(", ")}`);
    }
    const twin = given.get(field);
    if (twin !== undefined) throw relabelError(`${where}.${name}`, value, `none beside ${twin[0]}`);
    given.set(field, [name, value]);
  }
  return given;
}

function isNameList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

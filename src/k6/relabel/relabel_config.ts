/**
 * Relabelling rules as a user writes them, and their check.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";

/** What a rule does, in Prometheus's names. */
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

/**
 * A rule of Prometheus's `write_relabel_configs`. Field names may have Prometheus's spelling or camel case, but a rule must not
 * contain both spellings of one field.
 */
export interface RelabelConfig {
  /** Labels whose values are joined into the string that `regex` must match. @default [] */
  readonly sourceLabels?: readonly string[] | undefined;
  /** The same as `sourceLabels`, in Prometheus's spelling. Only one of them may be given. */
  readonly source_labels?: readonly string[] | undefined;
  /** Separates the values of the source labels when they are joined. @default ";" */
  readonly separator?: string | undefined;
  /** A pattern in RE2's syntax, which must match the whole string. @default "(.*)" */
  readonly regex?: string | undefined;
  /** The divisor of `hashmod`: an integer of at least 1. */
  readonly modulus?: number | undefined;
  /** The label that the rule sets. The action `replace` reads it as a template. */
  readonly targetLabel?: string | undefined;
  /** The same as `targetLabel`, in Prometheus's spelling. Only one of them may be given. */
  readonly target_label?: string | undefined;
  /** A template for the new value (`replace`) or for the new name (`labelmap`). @default "$1" */
  readonly replacement?: string | undefined;
  /** What the rule does with the joined values. @default "replace" */
  readonly action?: RelabelAction | undefined;
}

/** A checked rule with its defaults. Its pattern is not checked yet. */
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

/** The values of fields that a rule does not set, as in Prometheus. */
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

/** The fields by the names that a user may give them. */
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

/** The actions that need a target label. */
const targeting: readonly RelabelAction[] = ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"];

const equality: readonly Field[] = ["regex", "modulus", "separator", "replacement"];
const byName: readonly Field[] = ["sourceLabels", "targetLabel", "modulus", "separator", "replacement"];

/** The fields that Prometheus rejects together with an action. It accepts other fields that have no effect. */
const foreign: Readonly<Partial<Record<RelabelAction, readonly Field[]>>> = {
  lowercase: ["replacement"],
  uppercase: ["replacement"],
  keepequal: equality,
  dropequal: equality,
  labeldrop: byName,
  labelkeep: byName,
};

/** Returns an error about a part of the rules. */
export function relabelError(where: string, value: unknown, expected: string): ConfigurationError {
  const shown = value === undefined
    ? "missing"
    : typeof value === "object" || typeof value === "string"
    ? JSON.stringify(value)
    : String(value);
  return new ConfigurationError(`Cannot relabel: ${where} is ${shown}, expected ${expected}`);
}

/**
 * Checks a rule and fills in its defaults. Does not check its pattern.
 *
 * @param where names the rule in errors
 * @throws {ConfigurationError} naming the rule, the field, its value and what was expected
 */
export function checkRelabelConfig(config: unknown, where: string): CheckedRelabelConfig {
  const given = readFields(config, where);
  const valueOf = (field: Field): unknown => given.has(field) ? given.get(field)?.[1] : defaults[field];
  const fail = (field: Field, expected: string): never => {
    const [name, value] = given.get(field) ?? [field, undefined];
    throw relabelError(`${where}.${name}`, value, expected);
  };
  const stringOf = (field: "separator" | "regex" | "targetLabel" | "replacement"): string => {
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
    separator: stringOf("separator"),
    regex: stringOf("regex"),
    modulus: isCount(modulus) ? modulus : fail("modulus", "an integer of at least 1"),
    targetLabel: stringOf("targetLabel"),
    replacement: stringOf("replacement"),
  };

  for (const field of foreign[action] ?? []) {
    const isDefault = field === "sourceLabels" ? checked[field].length === 0 : checked[field] === defaults[field];
    if (!isDefault) fail(field, `no ${field} together with the action ${action}`);
  }
  if (action === "hashmod" && checked.modulus === 0) fail("modulus", "an integer of at least 1");
  const isTemplate = action === "replace" || action === "labelmap";
  const expected = `a label name, not empty${isTemplate ? ', or a template of one such as "$1"' : ""}`;
  if (targeting.includes(action) && checked.targetLabel === "") fail("targetLabel", expected);
  if (action === "labelmap" && checked.replacement === "") fail("replacement", expected);
  return checked;
}

/** Returns the fields that a rule contains, each with the name that the user gave it and its value. */
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
    if (twin !== undefined) throw relabelError(`${where}.${name}`, value, `only one of ${twin[0]} and ${name}`);
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

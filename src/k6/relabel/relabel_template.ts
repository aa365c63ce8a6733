/**
 * Templates such as `${1}_$name`, expanded as Go's Regexp.Expand does.
 *
 * @see https://pkg.go.dev/regexp#Regexp.Expand
 * @module
 */
import type { RelabelRegex } from "./relabel_regex.ts";

/** Fills in the groups of a match. */
export type RelabelTemplate = (match: RegExpExecArray) => string;

/**
 * Reads a template. A name is as long as it can be, so that `$1x` is the group named `1x`; a group that does not exist or
 * took no part is empty; `$$` is a dollar sign, as is one that begins no name.
 *
 * @throws {SyntaxError} if it needs a group that JavaScript may fill otherwise than RE2
 */
export function compileRelabelTemplate(template: string, regex: RelabelRegex): RelabelTemplate {
  const parts: (string | number)[] = [];
  let end = 0;
  for (const reference of template.matchAll(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu)) {
    parts.push(template.slice(end, reference.index));
    end = reference.index + reference[0].length;
    const name = reference[1] ?? reference[2];
    if (name === undefined) {
      parts.push("$");
      continue;
    }
    // Go takes no leading zeros, so that `$01` is a name.
    const group = /^(0|[1-9][0-9]*)$/.test(name) ? Number(name) : regex.groupNames.get(name);
    if (group === undefined) continue;
    if (!regex.isFaithful(group)) {
      throw new SyntaxError(`${reference[0]} depends on a repetition that can skip it or take nothing`);
    }
    parts.push(group);
  }
  parts.push(template.slice(end));
  return (match) => parts.map((part) => typeof part === "number" ? match[part] ?? "" : part).join("");
}

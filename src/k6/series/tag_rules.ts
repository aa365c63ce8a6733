/**
 * Which tags become labels: the original's three switches, applied before series are told apart, so that what is dropped
 * makes no series.
 *
 * @module
 */
import type { Tags } from "../sample.ts";

/** The switches; see the options of the same names. */
export interface TagSwitches {
  /** Whether tags become labels at all. */
  readonly keepTags: boolean;
  /** Whether the tag `name` does. */
  readonly keepNameTag: boolean;
  /** Whether the tag `url` does. */
  readonly keepUrlTag: boolean;
  /** Labels of every series; a tag of the same name wins. */
  readonly labels: Tags;
}

/** The tags that stay, with the constant labels; without empty names and values. */
export function applyTagRules(tags: Tags, switches: TagSwitches): Map<string, string> {
  const kept = new Map(Object.entries(switches.labels).filter(([, value]) => value !== ""));
  if (switches.keepTags) {
    for (const name of Object.keys(tags)) {
      if (name === "name" && !switches.keepNameTag) continue;
      if (name === "url" && !switches.keepUrlTag) continue;
      const value = String(tags[name] ?? "");
      // An empty tag says nothing, so it does not hide a constant label either.
      if (name !== "" && value !== "") kept.set(name, value);
    }
  }
  return kept;
}

/**
 * Selects the samples of a threshold: those of a metric, or only those with certain tags, such as
 * `http_req_duration{status:200,method:GET}`.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/thresholds/#thresholds-on-tags
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Tags } from "../sample.ts";

/** A metric and the tags that its samples must have. */
export interface MetricSelector {
  /** The selector as the user wrote it. */
  readonly text: string;
  /** The name of the metric without the tags in braces. */
  readonly name: string;
  /** The tags that a sample must have, with their values. */
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads a selector such as `http_req_duration{status:200}`.
 *
 * @throws {ConfigurationError} if the selector is not in k6's form
 */
export function parseMetricSelector(text: string): MetricSelector {
  const [, name = "", inner] = /^([^{}]+)(?:\{(.*)\})?$/s.exec(text) ?? [];
  const tags = inner === undefined || inner.trim() === "" ? [] : inner.split(",").map(parseTag);
  if (name.trim() === "" || tags.some(([tag]) => tag === "")) {
    throw new ConfigurationError(
      `Cannot read thresholds: the metric is ${JSON.stringify(text)}, expected a name, or name{tag:value,tag:value}`,
    );
  }
  return { text, name: name.trim(), tags };
}

/** Reports whether a sample of the metric has the tags that a selector requires. */
export function selects({ tags: wanted }: MetricSelector, tags: Tags): boolean {
  return wanted.every(([name, value]) => (tags[name] ?? "") === value);
}

function parseTag(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  if (colon < 0) return ["", ""];
  return [unquote(text.slice(0, colon)), unquote(text.slice(colon + 1))];
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return /^(["']).*\1$/s.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

/**
 * What a threshold is about: a metric, or a part of it, such as `http_req_duration{status:200,method:GET}`.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/thresholds/#thresholds-on-tags
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Tags } from "../sample.ts";

/** A metric and the tags that its samples must have. */
export interface MetricSelector {
  /** As written. */
  readonly text: string;
  /** Of the metric. */
  readonly name: string;
  /** Tags to have, with these values. */
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/** @throws ConfigurationError for what has not k6's form */
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

/** Whether a sample of the metric is meant. */
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

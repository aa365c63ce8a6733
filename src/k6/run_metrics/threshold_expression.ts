/**
 * k6's threshold expressions, such as `p(95)<500`.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/thresholds/#threshold-syntax
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { type MetricType, type Threshold, thresholdText } from "../metric.ts";

/** The value of a metric that an expression compares. The median and the percentiles are quantiles from 0 to 1. */
export type Aggregation = "value" | "count" | "rate" | "avg" | "min" | "max" | { readonly quantile: number };

/** A threshold such as `p(95)<500`, parsed. */
export interface ThresholdExpression {
  /** The expression as the user wrote it. */
  readonly text: string;
  /** The value that it compares. */
  readonly aggregation: Aggregation;
  /** The bound, in the metric's own unit: milliseconds for times. */
  readonly bound: number;
  /** Reports whether the threshold passes with this value. */
  holds(value: number): boolean;
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
  "==": (value, bound) => value === bound,
  "===": (value, bound) => value === bound,
  "!=": (value, bound) => value !== bound,
};

const named = ["value", "count", "rate", "avg", "min", "max"] as const;

const byType: Readonly<Record<MetricType, readonly Aggregation[]>> = {
  counter: ["count", "rate"],
  gauge: ["value"],
  rate: ["rate"],
  trend: ["avg", "min", "max"],
};

/** Reports whether metrics of a type have this value, as in k6. */
export function hasAggregation(type: MetricType, aggregation: Aggregation): boolean {
  return typeof aggregation === "object" ? type === "trend" : byType[type].includes(aggregation);
}

/**
 * Reads a threshold in k6's form, such as `p(95)<500`.
 *
 * @throws {ConfigurationError} if it is not an expression of k6
 */
export function parseThreshold(threshold: Threshold): ThresholdExpression {
  const text = thresholdText(threshold) ?? "";
  const [, left = "", operator = "", right = ""] = /^([^<>=!]*)(<=|>=|===|==|!=|<|>)(.*)$/s.exec(text) ?? [];
  const aggregation = parseAggregation(left.trim());
  const compare = comparisons[operator];
  const bound = parseNumber(right.trim());
  if (aggregation === undefined || compare === undefined || bound === undefined) {
    throw new ConfigurationError(
      `Cannot read a threshold: it is ${
        JSON.stringify(threshold)
      }, expected value, count, rate, avg, min, max, med or p(x), then <, <=, >, >=, == or !=, then a number`,
    );
  }
  return { text, aggregation, bound, holds: (value) => compare(value, bound) };
}

function parseAggregation(text: string): Aggregation | undefined {
  if (text === "med") return { quantile: 0.5 };
  const percentile = parseNumber(/^p\((.*)\)$/.exec(text)?.[1] ?? "");
  if (percentile !== undefined) {
    return percentile >= 0 && percentile <= 100 ? { quantile: percentile / 100 } : undefined;
  }
  return named.find((name) => name === text);
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

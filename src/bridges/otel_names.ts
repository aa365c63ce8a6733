/**
 * Translates the names and units of OpenTelemetry to those of Prometheus.
 *
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 * @see https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/prometheus/#translation-strategy
 * @module
 */

/** How names are translated, in the terms of OpenTelemetry's specification. */
export type TranslationStrategy =
  | "UnderscoreEscapingWithSuffixes"
  | "UnderscoreEscapingWithoutSuffixes"
  | "NoUTF8EscapingWithSuffixes"
  | "NoTranslation";

/** The strategies, the default first. */
export const translationStrategies: readonly TranslationStrategy[] = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
];

const units: Readonly<Partial<Record<string, string>>> = {
  ...{ d: "days", h: "hours", min: "minutes", s: "seconds", ms: "milliseconds", us: "microseconds", ns: "nanoseconds" },
  ...{ By: "bytes", KiBy: "kibibytes", MiBy: "mebibytes", GiBy: "gibibytes", TiBy: "tebibytes" },
  ...{ kBy: "kilobytes", KBy: "kilobytes", MBy: "megabytes", GBy: "gigabytes", TBy: "terabytes" },
  ...{ m: "meters", V: "volts", A: "amperes", J: "joules", W: "watts", g: "grams" },
  ...{ Cel: "celsius", Hz: "hertz", "%": "percent", 1: "" },
};

/** Prometheus's words for the unit after the slash: `By/s` becomes `bytes_per_second`. */
const perUnits: Readonly<Partial<Record<string, string>>> = {
  ...{ s: "second", m: "minute", min: "minute", h: "hour", d: "day", w: "week", wk: "week" },
  ...{ mo: "month", y: "year", a: "year" },
};

/** Returns the unit in Prometheus's words, such as `bytes_per_second` for `By/s`; "" if there is none. */
export function unitOf(unit: string): string {
  // Annotations, such as {request}, are no units.
  const [, main = "", per = ""] = /^([^/]*)\/?(.*)$/s.exec(unit.replace(/\{[^}]*\}/g, "")) ?? [];
  const [first, second] = [main.trim(), per.trim()];
  const words = [wordOf(units, first), second && `per_${wordOf(perUnits, second)}`];
  return words.join("_").replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "");
}

function wordOf(words: Readonly<Partial<Record<string, string>>>, unit: string): string {
  return Object.hasOwn(words, unit) ? words[unit] ?? unit : unit;
}

/** What the name of a metric depends on. */
export interface NamedMetric {
  readonly name: string;
  readonly unit: string;
  /** A gauge that is no sum may be a ratio. */
  readonly kind: "counter" | "gauge" | "other";
}

/** Returns the name of a metric without the suffixes of its series, such as `_bucket`. */
export function metricNameOf({ name, unit, kind }: NamedMetric, strategy: TranslationStrategy): string {
  let translated = name;
  if (strategy.startsWith("Underscore")) {
    translated = name.replace(/[^a-zA-Z0-9:]+/g, "_").replace(/^\d/, "_$&");
  }
  if (!strategy.endsWith("WithSuffixes")) return translated;
  if (kind === "counter") translated = translated.replace(/_total$/, "");
  // Prometheus's own receiver of OTLP names gauges so, too.
  const suffix = unit === "1" && kind === "gauge" ? "ratio" : unitOf(unit);
  const endsSo = translated.endsWith(suffix) && !/[a-zA-Z0-9]/.test(translated.at(-suffix.length - 1) ?? "");
  if (suffix !== "" && !endsSo) translated += `_${suffix}`;
  return kind === "counter" ? `${translated}_total` : translated;
}

/** Returns the name of a label. */
export function labelNameOf(key: string, strategy: TranslationStrategy): string {
  return strategy.startsWith("Underscore") ? key.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^\d/, "key_$&") : key;
}

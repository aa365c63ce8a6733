/**
 * Tells from the names of stored series which k6 metrics they are, and in which form.
 *
 * @module
 */
import type { Metric, ValueType } from "../../k6/metric.ts";
import { k6Metrics } from "../../k6/read/k6_metrics.ts";
import { validMetricName } from "../../model/labels.ts";

/** A k6 metric in a store. */
export type StoredMetric =
  & { readonly name: string; readonly contains: ValueType }
  & (
    | { readonly type: "counter" | "gauge"; readonly series: string }
    /** `passes` and `samples` are undefined if only the ratio was sent. */
    | {
      readonly type: "rate";
      readonly ratio: string | undefined;
      readonly passes: string | undefined;
      readonly samples: string | undefined;
    }
    /** The series `series`, or `<series>_bucket`, `<series>_sum` and `<series>_count`. */
    | { readonly type: "trend"; readonly form: "native" | "classic"; readonly series: string }
    /** The suffixes are those of the statistics, such as `_p95`. */
    | {
      readonly type: "trend";
      readonly form: "stats";
      readonly series: string;
      readonly suffixes: readonly string[];
      /** Whether it is known that the values are times, sizes or neither. */
      readonly isUnitKnown: boolean;
    }
  );

/** The metrics that this module sends about the run and itself. */
const ownNames = /^(?:run_info|run_ended|threshold|threshold_passed|remote_write_.*)$/;

const statSuffix = /^(.+?)(_(?:min|max|avg|med|count|sum|p\d+(?:_\d+)?))$/;

/** Only a trend has these. */
const trendOnly = /^_(?:avg|med|p\d+(?:_\d+)?)$/;

/** What is known about the metrics, in addition to their names. */
interface StoredMetricsOptions {
  /** The beginning of every name. */
  readonly prefix: string;
  /** The metrics whose types the user gave, by name. They count more than k6's own. */
  readonly known: Readonly<Record<string, Metric>>;
  /** The stored names, without the prefix, that are native histograms. */
  readonly native: ReadonlySet<string>;
}

/** Returns the k6 metrics of stored series, in the order of their names. */
export function storedMetrics(names: Iterable<string>, options: StoredMetricsOptions): StoredMetric[] {
  const { prefix, native } = options;
  const left = new Set<string>();
  for (const name of names) {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (own !== "" && !ownNames.test(own)) left.add(own);
  }
  const found: StoredMetric[] = [];
  const take = (name: string): string | undefined => left.delete(name) ? `${prefix}${name}` : undefined;
  const knownOf = (name: string): Metric | undefined => knownMetric(name, options.known);

  for (const bucket of [...left].filter((name) => name.endsWith("_bucket"))) {
    const base = bucket.slice(0, -"_bucket".length);
    for (const suffix of ["_bucket", "_sum", "_count"]) left.delete(`${base}${suffix}`);
    found.push({ ...ofHistogram(base, knownOf), type: "trend", form: "classic", series: `${prefix}${base}` });
  }
  for (const name of [...left].filter((name) => native.has(name))) {
    left.delete(name);
    found.push({ ...ofHistogram(name, knownOf), type: "trend", form: "native", series: `${prefix}${name}` });
  }
  for (const rate of [...left].map((name) => /^(.+)_(?:rate|passes_total)$/.exec(name)?.[1])) {
    if (rate === undefined) continue;
    // A counter may have such a name, but not all three.
    const [ratio, passes, samples] = ["_rate", "_passes_total", "_samples_total"].map((end) =>
      left.has(`${rate}${end}`)
    );
    if (ratio !== true && !(passes === true && samples === true)) continue;
    found.push({
      ...{ name: rate, type: "rate", contains: "default", ratio: take(`${rate}_rate`) },
      ...{ passes: take(`${rate}_passes_total`), samples: take(`${rate}_samples_total`) },
    });
  }
  for (const total of [...left].filter((name) => name.endsWith("_total"))) {
    const name = total.slice(0, -"_total".length);
    left.delete(total);
    found.push({ name, type: "counter", contains: knownOf(name)?.contains ?? "default", series: `${prefix}${total}` });
  }
  const stats = new Map<string, string[]>();
  for (const name of left) {
    const [, base = "", suffix = ""] = statSuffix.exec(name) ?? [];
    if (base === "" || knownOf(name) !== undefined) continue;
    const suffixes = stats.get(base);
    if (suffixes === undefined) stats.set(base, [suffix]);
    else suffixes.push(suffix);
  }
  for (const [base, suffixes] of stats) {
    const known = knownOf(base);
    if (known !== undefined && known.type !== "trend") continue;
    if (known === undefined && suffixes.length < 2 && !suffixes.some((suffix) => trendOnly.test(suffix))) continue;
    for (const suffix of suffixes) left.delete(`${base}${suffix}`);
    found.push({
      ...{ name: base, type: "trend", form: "stats", contains: known?.contains ?? "default", suffixes },
      ...{ series: `${prefix}${base}`, isUnitKnown: known !== undefined },
    });
  }
  for (const name of left) {
    found.push({ name, type: "gauge", contains: knownOf(name)?.contains ?? "default", series: `${prefix}${name}` });
  }
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Returns the names of metrics that were sent in several forms, such as statistics and histograms: no form has all values. */
export function mixedMetrics(metrics: readonly StoredMetric[]): string[] {
  const seen = new Set<string>();
  const mixed = new Set<string>();
  for (const { name } of metrics) (seen.has(name) ? mixed : seen).add(name);
  return [...mixed];
}

/** Series of a mapping whose values cannot be added up, or mean something else. */
interface OtherMapping {
  readonly mapping: "raw" | "legacy";
  /** Metrics of the run that show this mapping. */
  readonly names: readonly string[];
}

/**
 * Finds out whether a run was sent with the mapping `raw` or `legacy`: these give counters and rates no suffix, so that they look like
 * gauges. `raw` does the same with trends. Returns undefined for other mappings.
 */
export function otherMapping(
  metrics: readonly StoredMetric[],
  known: StoredMetricsOptions["known"],
): OtherMapping | undefined {
  const typesOf = metrics.flatMap(({ type, name }) => {
    const expected = type === "gauge" ? knownMetric(name, known)?.type : undefined;
    return expected === undefined || expected === "gauge" ? [] : [{ name, expected }];
  });
  if (typesOf.length === 0) return undefined;
  const isRaw = typesOf.some(({ expected }) => expected === "trend");
  return { mapping: isRaw ? "raw" : "legacy", names: typesOf.map(({ name }) => name) };
}

/** Returns a metric whose type the user gave, or one of k6's own. */
function knownMetric(name: string, known: StoredMetricsOptions["known"]): Metric | undefined {
  const k6: Readonly<Record<string, Metric>> = k6Metrics;
  return Object.hasOwn(known, name) ? known[name] : Object.hasOwn(k6, name) ? k6[name] : undefined;
}

/** Returns the metric with the name that a script uses. */
export function metricNamed(
  name: string,
  { metrics, prefix }: { readonly metrics: readonly StoredMetric[]; readonly prefix: string },
): StoredMetric | undefined {
  const series = validMetricName(`${prefix}${name}`);
  const stored = series.slice(prefix.length);
  const found = metrics.find((metric) => metric.name === stored);
  if (found !== undefined) return found;
  // The unit at the end of a histogram's name may be a part of the script's own name.
  const histogram = metrics.find((metric) =>
    metric.type === "trend" && metric.form !== "stats" && metric.series === series
  );
  return histogram && { ...histogram, name: stored, contains: "default" };
}

function ofHistogram(
  stored: string,
  knownOf: (name: string) => Metric | undefined,
): { readonly name: string; readonly contains: ValueType } {
  const [, base = stored, unit] = /^(.+)_(seconds|bytes)$/.exec(stored) ?? [];
  if (unit === undefined || knownOf(stored) !== undefined) return { name: stored, contains: "default" };
  return { name: base, contains: unit === "seconds" ? "time" : "data" };
}

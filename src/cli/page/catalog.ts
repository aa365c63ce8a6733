/**
 * Finds series: by run and name for k6's metrics, and by family for all of them.
 *
 * @module
 */
import type { LiveSeries, LiveStore } from "../live/live_store.ts";

/** How a trend was sent. */
export interface TrendForm {
  readonly form: "stats" | "native" | "classic";
  /** The name of the histogram, or that of the trend. */
  readonly name: string;
}

/** The series of one run: those with the same label `testid`. */
export class Run {
  /** The label `testid`; "" for series without it. */
  readonly testid: string;
  /** The beginning of every name of k6's metrics. */
  prefix: string | undefined;
  readonly byName: Map<string, LiveSeries[]> = new Map();
  /** The time of the oldest point, in milliseconds. */
  firstMs: number = Infinity;
  /** The series with the most points, which shows how often the sender sends. */
  #busiest: LiveSeries | undefined;
  /** By the name of the trend, with the number of names at the time. */
  readonly #trendForms = new Map<string, { readonly names: number; readonly form: TrendForm | undefined }>();
  /** By the name of the metric and by the label. */
  readonly #groups = new Map<string, Map<string, { readonly groups: Map<string, LiveSeries[]>; seen: number }>>();

  constructor(testid: string) {
    this.testid = testid;
  }

  add(series: LiveSeries): void {
    const known = this.byName.get(series.name);
    if (known === undefined) this.byName.set(series.name, [series]);
    else known.push(series);
    const [, prefix] = /^(.*?)(?:http_reqs_total|iterations_total|vus|vus_max)$/s.exec(series.name) ?? [];
    if (prefix !== undefined && (this.prefix === undefined || prefix === "k6_")) this.prefix = prefix;
    if (this.#busiest === undefined) this.#busiest = series;
  }

  /** Returns the series of one of k6's metrics, by its name without the prefix. */
  series(name: string): readonly LiveSeries[] {
    return this.byName.get(`${this.prefix ?? ""}${name}`) ?? [];
  }

  /** Returns how a trend was sent, and the name of its histogram; undefined if it was not sent. */
  trendForm(name: string): TrendForm | undefined {
    const known = this.#trendForms.get(name);
    if (known !== undefined && known.names === this.byName.size) return known.form;
    const form = this.#findTrendForm(name);
    this.#trendForms.set(name, { names: this.byName.size, form });
    return form;
  }

  #findTrendForm(name: string): TrendForm | undefined {
    for (const unit of ["_seconds", "_bytes", ""]) {
      if (this.series(`${name}${unit}`)[0]?.histograms !== undefined) return { form: "native", name: `${name}${unit}` };
      const buckets = `${name}${unit}_bucket`;
      if (this.series(buckets).length > 0) return { form: "classic", name: buckets };
    }
    const isStats = ["min", "avg", "med", "p90", "p95", "p99", "max"].some((stat) =>
      this.series(`${name}_${stat}`).length > 0
    );
    return isStats ? { form: "stats", name } : undefined;
  }

  /** Returns the series of a metric grouped by a label. */
  groups(name: string, label: string): ReadonlyMap<string, readonly LiveSeries[]> {
    let byLabel = this.#groups.get(name);
    if (byLabel === undefined) this.#groups.set(name, byLabel = new Map());
    let known = byLabel.get(label);
    if (known === undefined) byLabel.set(label, known = { groups: new Map(), seen: 0 });
    const all = this.series(name);
    for (; known.seen < all.length; known.seen++) {
      const series = all[known.seen];
      if (series === undefined) continue;
      const value = series.label(label);
      const group = known.groups.get(value);
      if (group === undefined) known.groups.set(value, [series]);
      else group.push(series);
    }
    return known.groups;
  }

  /** The time of the newest point, in milliseconds. */
  lastMs: number = -Infinity;

  /** Looks at the newest points. */
  refresh(): void {
    for (const all of this.byName.values()) {
      // Every metric counts for the time, but a look at each of thousands of series would take too long.
      for (const series of all.length > 50 ? sampleOf(all) : all) {
        if (series.length === 0) continue;
        this.firstMs = Math.min(this.firstMs, series.times[0] ?? Infinity);
        this.lastMs = Math.max(this.lastMs, series.times[series.length - 1] ?? -Infinity);
        if (series.length > (this.#busiest?.length ?? 0)) this.#busiest = series;
      }
    }
  }

  /** How often the sender sends, in milliseconds: the median of the distances of the newest points. */
  get intervalMs(): number {
    return this.#busiest === undefined ? 1000 : intervalOf(this.#busiest);
  }

  /**
   * When the run began, as its points tell it: a period of the sender before the first flush. Undefined if they do not tell the
   * period: the last flush comes after less than one.
   */
  get estimatedStartMs(): number | undefined {
    const busiest = this.#busiest;
    if (busiest === undefined || busiest.length < 3 || busiest.isCut) return undefined;
    return Math.min(this.firstMs, (busiest.times[0] ?? Infinity) - this.intervalMs);
  }
}

function sampleOf(all: readonly LiveSeries[]): readonly LiveSeries[] {
  const step = Math.ceil(all.length / 50);
  return all.filter((_, index) => index % step === 0 || index > all.length - 5);
}

/** Returns the median distance of the newest points of a series, in milliseconds. */
export function intervalOf({ times, length }: LiveSeries): number {
  const gaps: number[] = [];
  for (let at = Math.max(1, length - 30); at < length; at++) gaps.push((times[at] ?? 0) - (times[at - 1] ?? 0));
  gaps.sort((a, b) => a - b);
  return Math.max(gaps[gaps.length >> 1] ?? 1000, 100);
}

/** What a family is. */
export type FamilyKind = "counter" | "gauge" | "native" | "classic" | "stats";

/** Series that belong together: a metric, the buckets of a classic histogram, or the statistics of a trend. */
export interface Family {
  readonly name: string;
  readonly kind: FamilyKind;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
  /** The names of the series. */
  readonly names: readonly string[];
}

/** Matches a name that ends in a statistic of a trend. */
const statistic = /^(.+)_(min|max|avg|med|count|sum|p\d+)$/s;

/** All series of a store. */
export class Catalog {
  readonly #store: LiveStore;
  readonly runs: Map<string, Run> = new Map();
  readonly byName: Map<string, LiveSeries[]> = new Map();
  #seen = 0;
  #removed = 0;
  #families: readonly Family[] = [];
  #familiesOf = "";

  constructor(store: LiveStore) {
    this.#store = store;
  }

  /** Looks for new series, and for those that were removed. */
  refresh(): void {
    const { series, nextId, removedSeries } = this.#store;
    if (removedSeries > this.#removed) {
      this.runs.clear();
      this.byName.clear();
      this.#removed = removedSeries;
      this.#seen = 0;
    }
    for (; this.#seen < nextId; this.#seen++) {
      const each = series.get(this.#seen);
      if (each !== undefined) this.#add(each);
    }
    for (const run of this.runs.values()) run.refresh();
  }

  #add(series: LiveSeries): void {
    const all = this.byName.get(series.name);
    if (all === undefined) this.byName.set(series.name, [series]);
    else all.push(series);
    const testid = series.label("testid");
    let run = this.runs.get(testid);
    if (run === undefined) this.runs.set(testid, run = new Run(testid));
    run.add(series);
  }

  /** The runs of k6, the newest first. */
  k6Runs(): Run[] {
    return [...this.runs.values()].filter(({ prefix }) => prefix !== undefined).sort((a, b) => b.firstMs - a.firstMs);
  }

  /** The families, by name. */
  families(): readonly Family[] {
    const key = `${this.byName.size} ${this.#store.metadata.all.size}`;
    if (key === this.#familiesOf) return this.#families;
    this.#familiesOf = key;
    const families = new Map<string, Family>();
    for (const name of this.byName.keys()) {
      const family = this.#familyOf(name);
      const known = families.get(family.name);
      families.set(family.name, known === undefined ? family : { ...known, names: [...known.names, name] });
    }
    this.#families = [...families.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    return this.#families;
  }

  #familyOf(name: string): Family {
    const { type, help = "", unit = "" } = this.#store.metadataOf(name) ?? {};
    const described = { type: type ?? "unknown", help, unit, names: [name] };
    const [first] = this.byName.get(name) ?? [];
    if (first?.histograms !== undefined) return { ...described, name, kind: "native", type: "histogram" };
    const [, base = "", part = ""] = /^(.+)_(bucket|sum|count)$/s.exec(name) ?? [];
    const buckets = this.byName.get(`${base}_bucket`)?.[0];
    if (part !== "" && buckets !== undefined && buckets.label("le") !== "") {
      return { ...described, name: base, kind: "classic", type: "histogram" };
    }
    const [, stem = ""] = statistic.exec(name) ?? [];
    const hasOthers = ["min", "max", "avg", "med", "p95", "p99"].filter((stat) => this.byName.has(`${stem}_${stat}`));
    if (stem !== "" && hasOthers.length > 1) {
      return { ...described, name: `${stem}_*`, kind: "stats", type: "statistics" };
    }
    const isCounter = type === "counter" || type === undefined && /_(?:total|count|sum)$/.test(name);
    return {
      ...described,
      name,
      kind: isCounter ? "counter" : "gauge",
      type: type ?? (isCounter ? "counter" : "unknown"),
    };
  }
}

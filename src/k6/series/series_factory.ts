/**
 * Makes the time series of a k6 series: everything about them that does not change is settled here, once.
 *
 * @module
 */
import type { Relabel } from "../relabel/relabel.ts";
import type { OpenedSeries } from "./series_store.ts";
import { applyTagRules, type TagSwitches } from "./tag_rules.ts";
import { byName, validLabelName, validMetricName } from "../../model/labels.ts";
import { labelsOf } from "./labels_of.ts";
import type { Mapping, MetricMapping } from "../mapping/mapping.ts";
import { familyOf, metadataTexts } from "../../protocol/metadata_store.ts";
import { helpOf } from "../mapping/metric_help.ts";
import type { Metric } from "../metric.ts";
import type { Tags } from "../sample.ts";
import type { Label, Metadata } from "../../model/time_series.ts";
import { EncodedSeries } from "../../protocol/encoded_series.ts";

/** How series are made. */
export interface SeriesFactoryOptions extends TagSwitches {
  readonly mapping: Mapping;
  /** Begins every name. */
  readonly prefix: string;
  /** Rules of relabelling; undefined is none. */
  readonly relabel?: Relabel;
  /** Metrics that are the output's own: all their tags become labels. */
  readonly runMetrics?: ReadonlySet<Metric>;
  /** Told once of each name that had to be changed. */
  onWarning(message: string): void;
}

/** A metric with the names its time series have. */
interface NamedMapping {
  readonly mapping: MetricMapping;
  readonly names: readonly string[];
  /** What the time series mean, with k6's own words where the mapping has none. */
  readonly metadata: readonly Metadata[];
  /** Label names that its time series need for themselves. */
  readonly reserved: ReadonlySet<string>;
}

/** A metric's name with the prefix, and its labels. */
interface NamedLabels {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** A metric's name with the prefix, before and after the rules. */
interface Renaming {
  readonly name: string;
  readonly renamed: string;
}

const keepAll = { keepTags: true, keepNameTag: true, keepUrlTag: true };

/** Opens series for a store. */
export class SeriesFactory {
  /** What the metric families met so far mean. */
  readonly families: Map<string, Metadata> = new Map();
  readonly #options: SeriesFactoryOptions;
  readonly #metrics = new Map<string, NamedMapping | undefined>();
  readonly #taken = new Set<string>();
  readonly #warned = new Set<string>();

  constructor(options: SeriesFactoryOptions) {
    this.#options = options;
  }

  /** A metric's series for tags; undefined if the mapping or a rule leaves it out. */
  open(metric: Metric, tags: Tags): OpenedSeries<EncodedSeries> | undefined {
    const { runMetrics, labels: external, relabel } = this.#options;
    const kept = applyTagRules(tags, runMetrics?.has(metric) ? { ...keepAll, labels: external } : this.#options);
    const name = validMetricName(`${this.#options.prefix}${metric.name}`);
    const series = relabel === undefined ? { name, labels: kept } : this.#relabel({ name, labels: kept }, relabel);
    const named = series === undefined ? undefined : this.#named(metric, { name, renamed: series.name });
    if (series === undefined || named === undefined) return undefined;
    const { mapping, names, metadata } = named;
    const labels = this.#labelsOf(series.labels, named.reserved);
    return {
      sink: mapping.createSink(),
      outputs: mapping.outputs.map((output, index) => {
        const own: Label[] = [{ name: "__name__", value: names[index] ?? output.name }];
        for (const [name, value] of Object.entries(output.labels ?? {})) {
          const text = String(value ?? "");
          if (text !== "") own.push({ name, value: text });
        }
        return new EncodedSeries([...labels, ...own].sort(byName), metadata[index]);
      }),
      placeExemplar: mapping.placeExemplar,
      identity: JSON.stringify([series.name, ...labels.flatMap(({ name, value }) => [name, value])]),
    };
  }

  /** Rules see labels as they are sent. Names that begin with `__` are for the rules alone, as in Prometheus's scrapes. */
  #relabel(series: NamedLabels, relabel: Relabel): NamedLabels | undefined {
    const labels = new Map([["__name__", series.name]]);
    for (const { name, value } of this.#labelsOf(series.labels, ["__name__"])) labels.set(name, value);
    const relabelled = relabel(labels);
    if (relabelled === undefined) return undefined;
    // Rules that keep some labels forget the name now and then; a series without one is lost.
    const renamed = relabelled.get("__name__") ?? series.name;
    return { name: renamed, labels: new Map([...relabelled].filter(([name]) => !name.startsWith("__"))) };
  }

  #labelsOf(tags: ReadonlyMap<string, string>, reserved: Iterable<string>): Label[] {
    return labelsOf(tags, {
      reserved,
      onChange: (from, to) => {
        const problem = problemOf({ wanted: from, valid: validLabelName(from), sent: to });
        this.#warnOnce(`The tag "${from}" is sent as label "${to}": its name is ${problem}.`);
      },
    });
  }

  #named(metric: Metric, name: Renaming): NamedMapping | undefined {
    const key = JSON.stringify([metric.type, metric.contains, metric.name, name.renamed]);
    if (!this.#metrics.has(key)) this.#metrics.set(key, this.#name(metric, name));
    return this.#metrics.get(key);
  }

  /** Two metrics may come to the same name (a counter `x` and a gauge `x_total`): the later one gets another. */
  #name(metric: Metric, { name: before, renamed }: Renaming): NamedMapping | undefined {
    const mapping = this.#options.mapping.mapMetric(metric);
    if (mapping === undefined) return undefined;
    const asked = `${this.#options.prefix}${metric.name}`;
    const own = new Map<string, string>();
    for (const { name } of mapping.outputs) {
      if (own.has(name)) continue;
      const isNamedAfter = name.startsWith(before);
      if (isNamedAfter && asked !== before && renamed === before) {
        this.#warnOnce(`The metric "${metric.name}" is sent as "${before}": the name "${asked}" is not valid.`);
      }
      // What the mapping adds to the metric's name stays.
      const wanted = isNamedAfter ? `${renamed}${name.slice(before.length)}` : name;
      const valid = validMetricName(wanted);
      let free = valid;
      for (let number = 2; this.#taken.has(free); number++) free = `${valid}_${number}`;
      if (free !== wanted) {
        const problem = problemOf({ wanted, valid, sent: free });
        this.#warnOnce(`The metric "${metric.name}" is sent as "${free}": the name "${wanted}" is ${problem}.`);
      }
      own.set(name, free);
    }
    for (const name of own.values()) this.#taken.add(name);
    const reserved = new Set(["__name__"]);
    for (const output of mapping.outputs) for (const name of Object.keys(output.labels ?? {})) reserved.add(name);
    const names = mapping.outputs.map(({ name }) => own.get(name) ?? name);
    const help = helpOf(metric);
    const metadata = mapping.outputs.map((output) =>
      metadataTexts({ ...output.metadata, help: output.metadata.help ?? help })
    );
    metadata.forEach((each, index) => this.families.set(familyOf(names[index] ?? "", each.type), each));
    return { mapping, names, metadata, reserved };
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.onWarning(message);
  }
}

/** Why a name is not sent as it was wanted. */
function problemOf({ wanted, valid, sent }: Readonly<Record<"wanted" | "valid" | "sent", string>>): string {
  if (sent === valid) return "not valid";
  return valid === wanted ? "taken" : `not valid, and "${valid}" is taken`;
}

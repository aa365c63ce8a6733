/**
 * Makes the time series of a k6 series. Everything that is constant about them is computed here, once per series.
 *
 * @module
 */
import type { Relabel } from "../relabel/relabel_rules.ts";
import type { OpenedSeries } from "./series_store.ts";
import { byName, validLabelName, validMetricName } from "../../model/labels.ts";
import { labelsOf } from "./labels_of.ts";
import type { Mapping, MetricMapping } from "../mapping/mapping.ts";
import { familyOf, metadataTexts } from "../../protocol/metadata_store.ts";
import { helpOf } from "../mapping/metric_help.ts";
import type { Metric } from "../metric.ts";
import type { Tags } from "../sample.ts";
import { Warnings } from "../../send/warnings.ts";
import type { Label, Metadata } from "../../model/time_series.ts";
import { EncodedSeries, packLabels, SeriesOutput } from "../../protocol/encoded_series.ts";

/** The rules by which tags become labels. */
interface SeriesFactoryOptions {
  /** Defines the time series of each metric. */
  readonly mapping: Mapping;
  /** The beginning of every name. */
  readonly prefix: string;
  /** Whether tags become labels. If not, a series has only the external labels. */
  readonly keepTags: boolean;
  /** Whether the tag `name` becomes a label. */
  readonly keepNameTag: boolean;
  /** Whether the tag `url` becomes a label. */
  readonly keepUrlTag: boolean;
  /** Whether k6's tags `k6_feature_*` become labels. */
  readonly keepFeatureTags: boolean;
  /** Labels of every series; a tag with the same name takes precedence. */
  readonly labels: Tags;
  /** The relabelling rules; undefined if there are none. */
  readonly relabel: Relabel | undefined;
  /** The output's own metrics, whose tags all become labels. */
  readonly runMetrics: ReadonlySet<Metric>;
  /** Receives one warning for each name that had to be changed; names that differ only in numbers count as one. */
  onWarning(message: string): void;
}

/** A metric's mapping with the names of its time series. */
interface NamedMapping {
  readonly mapping: MetricMapping;
  /** The name and the own labels (such as `le`) of each time series, and what it means. */
  readonly outputs: readonly SeriesOutput[];
  /** The output without its labels, if it is the only one. A time series is encoded faster if all its labels are in one piece. */
  readonly only: readonly SeriesOutput[] | undefined;
  /** Whether the series of an output may differ only in labels that come after its own labels. */
  readonly sharesLabels: boolean;
  /** The names of these labels, which no tag may have. */
  readonly reserved: ReadonlySet<string>;
}

const nameOnly: ReadonlySet<string> = new Set(["__name__"]);

/** Opens series for a store. */
export class SeriesFactory {
  /** Metadata of the metrics so far, by the name of the metric family. */
  readonly metadata: Map<string, Metadata> = new Map();
  readonly #options: SeriesFactoryOptions;
  readonly #mappings = new Map<string, NamedMapping | null>();
  readonly #takenNames = new Set<string>();
  readonly #warnings: Warnings;

  constructor(options: SeriesFactoryOptions) {
    this.#options = options;
    this.#warnings = new Warnings(options.onWarning);
  }

  /** Returns a metric's series for tags, or undefined if the mapping or a relabelling rule drops it. */
  open(metric: Metric, tags: Tags): OpenedSeries<EncodedSeries> | undefined {
    const { prefix, relabel } = this.#options;
    const name = validMetricName(prefix + metric.name);
    let renamed = name;
    let kept = this.#keptTags(metric, tags);
    if (relabel !== undefined) {
      // The rules see labels as they are sent.
      const sent = this.#labelsOf(kept, nameOnly);
      const relabelled = relabel(
        new Map([["__name__", name], ...sent.map(({ name, value }) => [name, value] as const)]),
      );
      if (relabelled === undefined) return undefined;
      // Rules that keep some labels may drop the name by mistake, but a series without a name would be lost.
      renamed = relabelled.get("__name__") ?? name;
      // As in Prometheus's scrapes, labels that begin with `__` exist only for the rules.
      kept = new Map([...relabelled].filter(([name]) => !name.startsWith("__")));
    }
    const key = JSON.stringify([metric.type, metric.contains, metric.name, renamed]);
    let named = this.#mappings.get(key);
    if (named === undefined) this.#mappings.set(key, named = this.#mapMetric(metric, name, renamed));
    if (named === null) return undefined;
    const labels = this.#labelsOf(kept, named.reserved);
    const output = encode(named, labels);
    const { placeExemplar } = named.mapping;
    return { sink: named.mapping.createSink(), output, placeExemplar, hash: output.hash };
  }

  /** Applies the switches for tags before series are distinguished, so that dropped tags do not make series. */
  #keptTags(metric: Metric, tags: Tags): Map<string, string> {
    const { labels, runMetrics, keepTags, keepNameTag, keepUrlTag, keepFeatureTags } = this.#options;
    const isKept = (name: string): boolean =>
      keepTags && (keepNameTag || name !== "name") && (keepUrlTag || name !== "url") &&
        (keepFeatureTags || !name.startsWith("k6_feature_")) || runMetrics.has(metric);
    const kept = new Map<string, string>();
    for (const [name, tag] of [...Object.entries(labels), ...Object.entries(tags).filter(([name]) => isKept(name))]) {
      const value = String(tag ?? "");
      // An empty tag is no label, so it does not replace a constant label either.
      if (name !== "" && value !== "") kept.set(name, value);
    }
    return kept;
  }

  #labelsOf(tags: ReadonlyMap<string, string>, reserved: ReadonlySet<string>): Label[] {
    return labelsOf(tags, {
      reserved,
      onChange: (tag, label) => this.#warnRenamed(`tag "${tag}"`, tag, validLabelName(tag), label),
    });
  }

  /**
   * Maps a metric and names its time series. Two metrics may get the same name (a counter `x` and a gauge `x_total`); the later
   * one gets another name.
   *
   * @param before the metric's valid name with the prefix, which the mapping's names usually begin with
   * @param renamed the same name after relabelling
   * @returns null if the mapping drops the metric
   */
  #mapMetric(metric: Metric, before: string, renamed: string): NamedMapping | null {
    const mapping = this.#options.mapping.mapMetric(metric);
    if (mapping === undefined) return null;
    const asked = this.#options.prefix + metric.name;
    const what = `metric "${metric.name}"`;
    const names = new Map<string, string>();
    const reserved = new Set(nameOnly);
    const help = helpOf(metric);
    const outputs = mapping.outputs.map(({ name, labels, metadata }) => {
      let free = names.get(name);
      if (free === undefined) {
        const isNamedAfter = name.startsWith(before);
        if (isNamedAfter && renamed === before) this.#warnRenamed(what, asked, before, before);
        // Keeps what the mapping appends to the metric's name.
        const wanted = isNamedAfter ? renamed + name.slice(before.length) : name;
        const valid = validMetricName(wanted);
        free = valid;
        for (let number = 2; this.#takenNames.has(free); number++) free = `${valid}_${number}`;
        this.#warnRenamed(what, wanted, valid, free);
        this.#takenNames.add(free);
        names.set(name, free);
      }
      const own: Label[] = [{ name: "__name__", value: free }];
      for (const [label, given] of Object.entries(labels ?? {})) {
        reserved.add(label);
        const value = String(given ?? "");
        if (value !== "") own.push({ name: label, value });
      }
      const texts = metadataTexts({ ...metadata, help: metadata.help ?? help });
      this.metadata.set(familyOf(free, texts.type), texts);
      return new SeriesOutput(own, texts);
    });
    const [only] = outputs;
    return {
      mapping,
      outputs,
      only: outputs.length === 1 && only !== undefined ? [new SeriesOutput([], only.metadata)] : undefined,
      sharesLabels: outputs.every(({ labels }) => labels.length === 1),
      reserved,
    };
  }

  /** Warns once if a name is not sent as it was wanted. */
  #warnRenamed(what: string, wanted: string, valid: string, sent: string): void {
    if (sent === wanted) return;
    const problem = sent === valid ? "not valid" : valid === wanted ? "taken" : `not valid, and "${valid}" is taken`;
    const message = (): string => `The ${what} is sent as "${sent}": the name "${wanted}" is ${problem}.`;
    // A name in quotes would not distinguish messages.
    this.#warnings.once(message, `${what} ${wanted} ${problem}`);
  }
}

/** Returns the time series of a metric with these labels. They share as much as possible, to need less memory. */
function encode({ outputs, only, sharesLabels }: NamedMapping, labels: readonly Label[]): EncodedSeries {
  const withOwn = (own: readonly Label[]): Label[] => [...labels, ...own].sort(byName);
  if (only !== undefined) return new EncodedSeries(only, packLabels(withOwn(outputs[0]?.labels ?? [])));
  const [first] = labels;
  if (sharesLabels && (first === undefined || first.name > "__name__")) {
    return new EncodedSeries(outputs, packLabels(labels));
  }
  return new EncodedSeries(outputs.map(({ labels: own, metadata }) => new SeriesOutput(withOwn(own), metadata)));
}

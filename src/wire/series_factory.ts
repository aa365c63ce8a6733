/**
 * Makes the time series of a k6 series: everything about them that does not change is settled here, once.
 *
 * @module
 */
import type { OpenedSeries } from "../aggregate/series_store.ts";
import { applyTagRules, type TagSwitches } from "../aggregate/tag_rules.ts";
import { byName, labelsOf, validMetricName } from "../mapping/labels.ts";
import type { Mapping, MetricMapping } from "../mapping/mapping.ts";
import { familyOf } from "../mapping/metric_family.ts";
import { helpOf } from "../mapping/metric_help.ts";
import type { Metric } from "../metric.ts";
import type { Tags } from "../sample.ts";
import type { Label, Metadata } from "../time_series.ts";
import { WireSeries } from "./wire_series.ts";

/** How series are made. */
export interface SeriesFactoryOptions extends TagSwitches {
  readonly mapping: Mapping;
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

  /** A metric's series for tags; undefined if the mapping leaves the metric out. */
  open(metric: Metric, tags: Tags): OpenedSeries<WireSeries> | undefined {
    const named = this.#named(metric);
    if (named === undefined) return undefined;
    const labels = labelsOf(applyTagRules(tags, this.#options), {
      reserved: named.reserved,
      onChange: (from, to) =>
        this.#warnOnce(`The tag "${from}" is sent as label "${to}": its name is not valid or taken.`),
    });
    const { mapping, names, metadata } = named;
    return {
      sink: mapping.createSink(),
      outputs: mapping.outputs.map((output, index) => {
        const own: Label[] = [{ name: "__name__", value: names[index] ?? output.name }];
        for (const [name, value] of Object.entries(output.labels ?? {})) own.push({ name, value });
        return new WireSeries([...labels, ...own].sort(byName), metadata[index]);
      }),
      placeExemplar: mapping.placeExemplar,
      identity: JSON.stringify(labels.flatMap(({ name, value }) => [name, value])),
    };
  }

  #named(metric: Metric): NamedMapping | undefined {
    const key = `${metric.type} ${metric.contains} ${metric.name}`;
    if (!this.#metrics.has(key)) this.#metrics.set(key, this.#name(metric));
    return this.#metrics.get(key);
  }

  /** Two metrics may come to the same name (a counter `x` and a gauge `x_total`): the later one gets another. */
  #name(metric: Metric): NamedMapping | undefined {
    const mapping = this.#options.mapping.mapMetric(metric);
    if (mapping === undefined) return undefined;
    const own = new Map<string, string>();
    for (const { name } of mapping.outputs) {
      if (own.has(name)) continue;
      const valid = validMetricName(name);
      let free = valid;
      for (let number = 2; this.#taken.has(free); number++) free = `${valid}_${number}`;
      if (free !== name) {
        this.#warnOnce(`The metric "${metric.name}" is sent as "${free}": the name "${name}" is not valid or taken.`);
      }

      own.set(name, free);
    }
    for (const name of own.values()) this.#taken.add(name);
    const reserved = new Set(["__name__"]);
    for (const output of mapping.outputs) for (const name of Object.keys(output.labels ?? {})) reserved.add(name);
    const names = mapping.outputs.map(({ name }) => own.get(name) ?? name);
    const help = helpOf(metric);
    const metadata = mapping.outputs.map((output) => ({ ...output.metadata, help: output.metadata.help ?? help }));
    metadata.forEach((each, index) => this.families.set(familyOf(names[index] ?? "", each.type), each));
    return { mapping, names, metadata, reserved };
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.onWarning(message);
  }
}

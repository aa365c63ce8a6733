/**
 * The labels that time series have for one of several endpoints.
 *
 * @module
 */
import { byName } from "../../model/labels.ts";
import type { Metadata } from "../../model/time_series.ts";
import { Batch } from "../../protocol/batch.ts";
import { type EncodedSeries, encodeSeries } from "../../protocol/encoded_series.ts";
import { familyOf } from "../../protocol/metadata_store.ts";
import type { Relabel } from "../relabel/relabel_rules.ts";
import type { Tags } from "../sample.ts";
import { labelsOf } from "../series/labels_of.ts";

/** The labels that an endpoint adds or changes. */
interface EndpointLabelOptions {
  readonly labels: Tags;
  readonly relabel: Relabel | undefined;
}

const nameOnly: readonly string[] = ["__name__"];

/** Replaces the series of batches by those with the labels of an endpoint. */
export class EndpointLabels {
  /** The metadata of the series that are sent, by the name of the metric family. */
  readonly metadata: Map<string, Metadata> = new Map();
  readonly #options: EndpointLabelOptions;
  readonly #warn: (message: string) => void;
  /** The series by the key of the output's time series; null if it is not sent to this endpoint. */
  readonly #series = new Map<number, EncodedSeries | null>();
  /** The labels of the series that are sent. */
  readonly #taken = new Set<string>();

  constructor(options: EndpointLabelOptions, warn: (message: string) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /** Returns a batch with the same samples for this endpoint, without those of dropped series. */
  relabel(batch: Batch): Batch {
    const changed = new Batch(Math.max(1, batch.length));
    for (let index = 0; index < batch.length; index++) {
      const key = batch.keyAt(index);
      let own = this.#series.get(key);
      if (own === undefined) this.#series.set(key, own = this.#open(batch.seriesAt(index)));
      if (own !== null) changed.copy(batch, index, own);
    }
    return changed;
  }

  #open(series: EncodedSeries | undefined): EncodedSeries | null {
    if (series === undefined) return null;
    const { labels, outputs: [output] } = series;
    const { labels: external, relabel } = this.#options;
    const given = labels.map(({ name, value }) => [name, value] as const);
    // As with Prometheus's external labels, the series' own label wins.
    let all = new Map([...Object.entries(external).filter(([, value]) => value !== ""), ...given]);
    if (relabel !== undefined) {
      const relabelled = relabel(all);
      if (relabelled === undefined) return null;
      const name = relabelled.get("__name__") ?? all.get("__name__") ?? "";
      all = new Map([...relabelled].filter(([label]) => !label.startsWith("__")));
      all.set("__name__", name);
    }
    const name = all.get("__name__") ?? "";
    all.delete("__name__");
    const changed = [...labelsOf(all, { reserved: nameOnly }), { name: "__name__", value: name }].sort(byName);
    const key = JSON.stringify(changed);
    if (this.#taken.has(key)) {
      this.#warn(
        `Relabelling makes two series equal, such as ${name}: only the first of them is sent. Relabel before aggregation to add them up.`,
      );
      return null;
    }
    this.#taken.add(key);
    if (output?.metadata !== undefined) this.metadata.set(familyOf(name, output.metadata.type), output.metadata);
    return encodeSeries(changed, output?.metadata);
  }
}

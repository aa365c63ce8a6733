/**
 * What the metric families of series mean that come from elsewhere.
 *
 * @module
 */
import { familyOf } from "../mapping/metric_family.ts";
import type { Metadata, TimeSeries } from "../time_series.ts";

/** A few megabytes; more families than any program should have. */
const maxFamilies = 10_000;

/** Remembers metadata by metric family; what is beyond the bound is not remembered. */
export class Families {
  readonly #families = new Map<string, Metadata>();

  /** All that is remembered. */
  get all(): ReadonlyMap<string, Metadata> {
    return this.#families;
  }

  /** Takes what a family means. */
  add(name: string, metadata: Metadata): void {
    if (this.#families.size < maxFamilies || this.#families.has(name)) this.#families.set(name, metadata);
  }

  /** Takes what series say of themselves. */
  addSeries(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, metadata } of timeSeries) {
      if (metadata === undefined) continue;
      const name = labels.find((label) => label.name === "__name__")?.value;
      if (name !== undefined) this.add(familyOf(name, metadata.type), metadata);
    }
  }

  /** What a series means, by its name. */
  of(name: string): Metadata | undefined {
    const own = this.#families.get(name);
    if (own !== undefined) return own;
    const histogram = this.#families.get(familyOf(name, "histogram"));
    return histogram?.type === "histogram" ? histogram : undefined;
  }
}

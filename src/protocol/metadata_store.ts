/**
 * What the metric families of series mean that come from elsewhere.
 *
 * @module
 */
import type { Metadata, SeriesType, TimeSeries } from "../model/time_series.ts";

/**
 * The metric family of a series, by which 1.0 tells what series mean: the series of a classic histogram are one, as in the text
 * that Prometheus scrapes; any other series is a family of its own.
 */
export function familyOf(name: string, type: SeriesType): string {
  return type === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
}

/** How much to remember. */
export interface FamiliesOptions {
  /** Characters of all names and texts, with some for each family. @default 4000000, about 30,000 families of usual texts */
  readonly maxLength?: number;
}

/** A help text is a sentence, and is sent again each minute: a longer text or name is not remembered. */
const maxTextLength = 1000;

/** What a family takes beside its texts, in characters. */
const familyLength = 60;

/** Remembers metadata by metric family; what is beyond the bound is not remembered. */
export class MetadataStore {
  readonly #families = new Map<string, Metadata>();
  readonly #maxLength: number;
  #length = 0;

  constructor({ maxLength = 4_000_000 }: FamiliesOptions = {}) {
    this.#maxLength = maxLength;
  }

  /** All that is remembered. */
  get all(): ReadonlyMap<string, Metadata> {
    return this.#families;
  }

  /** Takes what a family means. Returns what is newly remembered, if anything. */
  add(name: string, metadata: Metadata): Metadata | undefined {
    if (name.length > maxTextLength) return undefined;
    const known = this.#families.get(name);
    if (known !== undefined && isSame(known, metadata)) return undefined;
    const meaning = withoutLongTexts(metadata);
    if (known !== undefined && isSame(known, meaning)) return undefined;
    const length = this.#length + lengthOf(name, meaning) - (known === undefined ? 0 : lengthOf(name, known));
    if (length > this.#maxLength) return undefined;
    this.#length = length;
    this.#families.set(name, meaning);
    return meaning;
  }

  /** Takes what series say of themselves. */
  addSeries(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, metadata } of timeSeries) {
      // Programs without types may hand over null.
      if (metadata === undefined || metadata === null) continue;
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

function withoutLongTexts(metadata: Metadata): Metadata {
  const { type, help = "", unit = "" } = metadataTexts(metadata);
  return {
    type,
    ...(help !== "" && help.length <= maxTextLength && { help }),
    ...(unit !== "" && unit.length <= maxTextLength && { unit }),
  };
}

function lengthOf(name: string, { help = "", unit = "" }: Metadata): number {
  return familyLength + name.length + help.length + unit.length;
}

function isSame(a: Metadata, b: Metadata): boolean {
  return a.type === b.type && a.help === b.help && a.unit === b.unit;
}

/** Returns metadata whose help and unit are strings, whatever a program without types passed: the encoders rely on it. */
export function metadataTexts({ type, help, unit }: Metadata): Metadata {
  return { type, help: String(help ?? ""), unit: String(unit ?? "") };
}

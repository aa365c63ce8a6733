/**
 * Metadata by metric family, for the metadata requests of 1.0 and for series that come without metadata.
 *
 * @module
 */
import { metricName } from "../model/labels.ts";
import type { Metadata, SeriesType, TimeSeries } from "../model/time_series.ts";

/** The suffixes of series that share a family, by its type. */
const suffixes: Partial<Record<SeriesType, RegExp>> = {
  histogram: /_(?:bucket|sum|count)$/,
  summary: /_(?:sum|count)$/,
};

/**
 * Returns the metric family of a series, by which 1.0 sends metadata. The series of a classic histogram or of a summary share a
 * family. Every other series is a family of its own.
 */
export function familyOf(name: string, type: SeriesType): string {
  const suffix = suffixes[type];
  return suffix === undefined ? name : name.replace(suffix, "");
}

/** How much metadata a store remembers. */
interface MetadataStoreOptions {
  /**
   * The limit of all names and strings together, in characters, with 60 more for each family.
   *
   * @default 4000000, about 30,000 families with usual help texts
   */
  readonly maxLength?: number;
}

/** Longer names and strings are not remembered: a help text is a sentence, and it is sent again each minute. */
const maxTextLength = 1000;

/** Remembers metadata by metric family, up to a limit. */
export class MetadataStore {
  /** The metadata by metric family name. */
  readonly all: Map<string, Metadata> = new Map();
  readonly #maxLength: number;
  #length = 0;

  constructor({ maxLength = 4_000_000 }: MetadataStoreOptions = {}) {
    this.#maxLength = maxLength;
  }

  /** Adds the metadata of a family. Returns what is new and now remembered, if anything. */
  add(family: string, metadata: Metadata): Metadata | undefined {
    if (family.length > maxTextLength) return undefined;
    const known = this.all.get(family);
    if (isSameMetadata(known, metadata)) return undefined;
    const kept = withoutLongTexts(metadata);
    if (isSameMetadata(known, kept)) return undefined;
    const length = this.#length + lengthOf(family, kept) - (known === undefined ? 0 : lengthOf(family, known));
    if (length > this.#maxLength) return undefined;
    this.#length = length;
    this.all.set(family, kept);
    return kept;
  }

  /** Adds the metadata that series have. */
  addSeries(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, metadata } of timeSeries) {
      const name = metricName(labels);
      // Programs without types may pass null.
      if (metadata && name !== undefined) this.add(familyOf(name, metadata.type), metadata);
    }
  }

  /** Returns the metadata of a series, by its name. */
  of(name: string): Metadata | undefined {
    return metadataOf(name, this.all);
  }
}

/** Returns the metadata of a series, by its name or by that of its family. */
export function metadataOf(name: string, families: ReadonlyMap<string, Metadata>): Metadata | undefined {
  const own = families.get(name);
  if (own !== undefined) return own;
  const family = families.get(familyOf(name, "histogram"));
  return family !== undefined && familyOf(name, family.type) !== name ? family : undefined;
}

/** Returns metadata whose help and unit are strings, whatever a program without types passed: the encoders rely on it. */
export function metadataTexts({ type, help, unit }: Metadata): Metadata {
  return { type, help: String(help ?? ""), unit: String(unit ?? "") };
}

/** Returns metadata without the strings that are too long to be remembered. */
export function withoutLongTexts(metadata: Metadata): Metadata {
  const { type, help = "", unit = "" } = metadataTexts(metadata);
  const isKept = (text: string): boolean => text !== "" && text.length <= maxTextLength;
  return { type, ...(isKept(help) && { help }), ...(isKept(unit) && { unit }) };
}

function lengthOf(family: string, { help = "", unit = "" }: Metadata): number {
  return 60 + family.length + help.length + unit.length;
}

/** Reports whether metadata are equal. */
export function isSameMetadata(a: Metadata | undefined, b: Metadata): boolean {
  return a?.type === b.type && a.help === b.help && a.unit === b.unit;
}

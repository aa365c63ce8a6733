/**
 * Reads the tags of rows of k6's CSV: a column for each system tag, and columns for the other tags and for the metadata.
 *
 * @module
 */
import type { Sample, Tags } from "../sample.ts";

/** The tags of a sample. */
export type TagsAndMetadata = Pick<Sample, "tags" | "metadata">;

/** The first columns of every row: metric_name, timestamp, metric_value. */
export const fixedColumns = 3;

/** The columns of k6's CSV after the first three. */
export class CsvColumns {
  /** The number of all columns. */
  readonly length: number;
  /** Whether the last column holds the metadata. Their values differ from row to row. */
  readonly endsWithMetadata: boolean;
  readonly #names: readonly string[];

  /** @param header the fields of the header */
  constructor(header: readonly string[]) {
    this.length = header.length;
    this.#names = header.slice(fixedColumns);
    this.endsWithMetadata = header.at(-1) === metadataColumn;
  }

  /** Returns the tags of a row; an empty column is no tag. @param fields those of the columns after the first three */
  tagsOf(fields: readonly string[]): TagsAndMetadata {
    const tags = new Map<string, string>();
    let metadata: Tags | undefined;
    for (const [index, name] of this.#names.entries()) {
      const field = fields[index] ?? "";
      if (field === "") continue;
      if (name === extraTagsColumn) { for (const [tag, value] of pairsOf(field)) tags.set(tag, value); }
      else if (name === metadataColumn) metadata = tagsOf(pairsOf(field));
      else tags.set(name, field);
    }
    return metadata === undefined ? { tags: tagsOf(tags) } : { tags: tagsOf(tags), metadata };
  }
}

const extraTagsColumn = "extra_tags";
const metadataColumn = "metadata";

/** Reads the metadata of a row. */
export function metadataOf(field: string): Tags {
  return tagsOf(pairsOf(field));
}

/** Sorts the tags, because k6 writes the same tags in another order in each row. */
function tagsOf(pairs: Iterable<readonly [string, string]>): Tags {
  return Object.freeze(Object.fromEntries([...pairs].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)));
}

/**
 * Reads `name=value&name=value`. k6 escapes neither `&` nor `=`: a part without `=` belongs to the value before it, and a value may
 * contain `=`.
 */
function pairsOf(field: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const part of field.split("&")) {
    const equals = part.indexOf("=");
    const last = pairs.at(-1);
    if (equals < 0 && last !== undefined) last[1] += `&${part}`;
    else pairs.push(equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)]);
  }
  return pairs;
}

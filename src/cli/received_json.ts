/**
 * What arrived, as lines of JSON.
 *
 * @module
 */
import { familyOf } from "../protocol/metadata_store.ts";
import type { ReceivedWrite } from "../receive/receiver_options.ts";
import type { Label, Metadata } from "../model/time_series.ts";
import { MetadataStore } from "../protocol/metadata_store.ts";

/** Large enough that a write costs little, small beside what a request may hold. */
const pieceLength = 65_536;

/**
 * Writes a line for each sample, histogram and exemplar, with its series' labels, and one for what a metric family means when that
 * is new (and is neither long nor one of very many). What JSON has no number for is text, and a staleness marker is `"stale"`.
 */
export class ReceivedJson {
  readonly #told = new MetadataStore();

  /**
   * The lines of a request, in pieces of whole lines: each line repeats its series' labels, so that all of them together can be
   * far more than the request.
   */
  *format(write: Pick<ReceivedWrite, "timeSeries" | "metadata">): Generator<string, void, undefined> {
    let piece = "";
    for (const line of this.#lines(write)) {
      piece += line;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = "";
    }
    if (piece !== "") yield piece;
  }

  *#lines(
    { timeSeries, metadata }: Pick<ReceivedWrite, "timeSeries" | "metadata">,
  ): Generator<string, void, undefined> {
    for (const [family, meaning] of metadata) yield* this.#tell(family, meaning);
    for (const { labels: pairs, samples = [], histograms = [], exemplars = [], metadata } of timeSeries) {
      const labels = objectOf(pairs);
      if (metadata !== undefined) yield* this.#tell(familyOf(labels.__name__ ?? "", metadata.type), metadata);
      const start = `{"labels":${toJson(labels)},`;
      for (const { value, stale, ...times } of samples) {
        yield `${start}${toJson({ ...times, value: stale === true ? "stale" : value }).slice(1)}\n`;
      }
      for (const histogram of histograms) yield `${start}"histogram":${toJson(histogram)}}\n`;
      for (const { labels: trace, ...exemplar } of exemplars) {
        yield `${start}"exemplar":${toJson({ labels: objectOf(trace), ...exemplar })}}\n`;
      }
    }
  }

  /** In 2.0, each series of each request says it: once is enough. */
  *#tell(family: string, metadata: Metadata): Generator<string, void, undefined> {
    const meaning = this.#told.add(family, metadata);
    if (meaning !== undefined) yield `${toJson({ family, metadata: meaning })}\n`;
  }
}

function objectOf(labels: readonly Label[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner === "bigint") return Number(inner);
    return typeof inner === "number" && !Number.isFinite(inner) ? String(inner) : inner;
  });
}

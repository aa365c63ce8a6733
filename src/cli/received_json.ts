/**
 * Formats received writes as lines of JSON.
 *
 * @module
 */
import { familyOf, MetadataStore } from "../protocol/metadata_store.ts";
import type { ReceivedWrite } from "../receive/receiver_options.ts";
import type { Label, Metadata } from "../model/time_series.ts";

/** The length of a chunk, in characters: large enough that a write is cheap, small compared with a request's lines. */
const chunkLength = 65_536;

type Write = Pick<ReceivedWrite, "timeSeries" | "metadata">;

/**
 * Formats each sample, histogram and exemplar as one line, with the labels of its series. The metadata of a metric family gets a
 * line when it is new (but not if it is very long, or if there are very many). Numbers that JSON lacks are strings, such as "NaN";
 * a staleness marker is `"stale"`.
 */
export class ReceivedJson {
  readonly #known = new MetadataStore();

  /**
   * Yields the lines of a request, in chunks of whole lines. Each line repeats the labels of its series, so all lines together can
   * be much larger than the request.
   */
  *format(write: Write): Generator<string, void, undefined> {
    let chunk = "";
    for (const line of this.#lines(write)) {
      chunk += line;
      if (chunk.length < chunkLength) continue;
      yield chunk;
      chunk = "";
    }
    if (chunk !== "") yield chunk;
  }

  *#lines({ timeSeries, metadata }: Write): Generator<string, void, undefined> {
    for (const [family, meaning] of metadata) yield* this.#metadataLine(family, meaning);
    for (const { labels: pairs, samples = [], histograms = [], exemplars = [], metadata } of timeSeries) {
      const labels = objectOf(pairs);
      if (metadata !== undefined) yield* this.#metadataLine(familyOf(labels.__name__ ?? "", metadata.type), metadata);
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

  /** Yields a line unless the metadata is known: in 2.0, every series of every request repeats it. */
  *#metadataLine(family: string, metadata: Metadata): Generator<string, void, undefined> {
    const meaning = this.#known.add(family, metadata);
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

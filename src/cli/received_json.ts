/**
 * What arrived, as lines of JSON.
 *
 * @module
 */
import { familyOf } from "../mapping/metric_family.ts";
import type { ReceivedWrite } from "../receiver.ts";
import type { Label, Metadata } from "../time_series.ts";

/** A few megabytes. */
const maxFamilies = 10_000;

/**
 * Writes a line for each sample, histogram and exemplar, with its series' labels, and one for what a metric family means when that
 * is new. What JSON has no number for is text, and a staleness marker is `"stale"`.
 */
export class ReceivedJson {
  readonly #told = new Map<string, string>();

  /** The lines of a request. */
  format({ timeSeries, metadata }: Pick<ReceivedWrite, "timeSeries" | "metadata">): string {
    const lines: string[] = [];
    for (const [family, meaning] of metadata) lines.push(...this.#tell(family, meaning));
    for (const { labels: pairs, samples = [], histograms = [], exemplars = [], metadata } of timeSeries) {
      const labels = objectOf(pairs);
      if (metadata !== undefined) lines.push(...this.#tell(familyOf(labels.__name__ ?? "", metadata.type), metadata));
      for (const { value, stale, ...times } of samples) {
        lines.push(toJson({ labels, ...times, value: stale === true ? "stale" : value }));
      }
      for (const histogram of histograms) lines.push(toJson({ labels, histogram }));
      for (const { labels: trace, ...exemplar } of exemplars) {
        lines.push(toJson({ labels, exemplar: { labels: objectOf(trace), ...exemplar } }));
      }
    }
    return lines.join("");
  }

  /** In 2.0, each series of each request says it: once is enough. */
  #tell(family: string, metadata: Metadata): string[] {
    const line = toJson({ family, metadata });
    if (this.#told.get(family) === line) return [];
    if (this.#told.size < maxFamilies || this.#told.has(family)) this.#told.set(family, line);
    return [line];
  }
}

function objectOf(labels: readonly Label[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}

function toJson(line: unknown): string {
  const text = JSON.stringify(line, (_, value) => {
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  });
  return `${text}\n`;
}

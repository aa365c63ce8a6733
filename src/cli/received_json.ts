/**
 * What arrived, as lines of JSON.
 *
 * @module
 */
import type { TimeSeries } from "../time_series.ts";

/** One line a sample or histogram; what JSON has no number for is text, and a staleness marker is `"stale"`. */
export function formatJsonLines(timeSeries: readonly TimeSeries[]): string {
  const lines: string[] = [];
  for (const { labels: pairs, samples = [], histograms = [], exemplars = [], metadata } of timeSeries) {
    const labels = Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
    for (const { value, stale, ...times } of samples) {
      lines.push(toJson({ labels, ...times, value: stale === true ? "stale" : value, metadata }));
    }
    for (const histogram of histograms) lines.push(toJson({ labels, histogram, metadata }));
    for (const exemplar of exemplars) lines.push(toJson({ labels, exemplar }));
  }
  return lines.join("");
}

function toJson(line: unknown): string {
  const text = JSON.stringify(line, (_, value) => {
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  });
  return `${text}\n`;
}

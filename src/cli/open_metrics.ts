/**
 * Writes time series as OpenMetrics text, which `promtool tsdb create-blocks-from openmetrics` reads.
 *
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 * @module
 */
import { byName } from "../model/labels.ts";
import type { Label, Metadata, TimeSeries } from "../model/time_series.ts";

/** The samples of one series. */
interface Points {
  /** The name and the labels, as they stand before each value. */
  readonly head: string;
  readonly timestamps: number[];
  readonly values: number[];
}

/** The series of a metric family. */
interface Family {
  readonly type: "counter" | "gauge" | "histogram" | "unknown";
  readonly help: string | undefined;
  readonly series: Map<string, Points>;
}

/** The ends of the names of a family's series, by its type. A name without such an end has no type that OpenMetrics knows. */
const suffixes = { counter: /_total$/, histogram: /_(?:bucket|sum|count)$/, gauge: /$/ } as const;

/** How long a piece of the text is at least, in characters. */
const pieceLength = 65_536;

/** Collects series, because OpenMetrics wants all samples of a series together. A sample takes some 25 bytes. */
export class OpenMetrics {
  readonly #families = new Map<string, Family>();

  /** Adds the series of a request. Staleness markers are left out: the text has none. */
  add(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, samples = [], metadata } of timeSeries) {
      const values = samples.filter(({ stale }) => stale !== true);
      if (values.length === 0) continue;
      const points = this.#pointsOf(labels, metadata);
      for (const { value, timestamp } of values) {
        points.timestamps.push(Number(timestamp));
        points.values.push(value);
      }
    }
  }

  #pointsOf(labels: readonly Label[], metadata: Metadata | undefined): Points {
    const name = labels.find((label) => label.name === "__name__")?.value ?? "";
    const { family, type } = familyOf(name, metadata?.type);
    let found = this.#families.get(family);
    if (found === undefined) this.#families.set(family, found = { type, help: metadata?.help, series: new Map() });
    const others = labels.filter((label) => label.name !== "__name__").sort(byName)
      .map((label) => `${label.name}="${escape(label.value)}"`);
    const head = `${name}{${others.join(",")}}`;
    let points = found.series.get(head);
    if (points === undefined) found.series.set(head, points = { head, timestamps: [], values: [] });
    return points;
  }

  /** Yields the text in pieces: a string cannot hold all of a large recording. */
  *text(): Generator<string> {
    let piece = "";
    for (const line of this.#lines()) {
      piece += line;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = "";
    }
    yield `${piece}# EOF\n`;
  }

  *#lines(): Generator<string> {
    for (const [family, { type, help, series }] of this.#families) {
      yield `# TYPE ${family} ${type}\n${help === undefined ? "" : `# HELP ${family} ${escape(help)}\n`}`;
      for (const { head, timestamps, values } of series.values()) {
        for (const [index, value] of values.entries()) {
          yield `${head} ${formatValue(value)} ${formatSeconds(timestamps[index] ?? 0)}\n`;
        }
      }
    }
  }
}

function familyOf(name: string, type: Metadata["type"] = "unknown"): { family: string; type: Family["type"] } {
  if (type !== "counter" && type !== "histogram" && type !== "gauge") return { family: name, type: "unknown" };
  const suffix = suffixes[type];
  return suffix.test(name) ? { family: name.replace(suffix, ""), type } : { family: name, type: "unknown" };
}

function escape(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => character === "\n" ? "\\n" : `\\${character}`);
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function formatSeconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

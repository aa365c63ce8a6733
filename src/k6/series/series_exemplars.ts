/**
 * Examples of the values of one k6 series: the trace of a request that was slow, or of one that was counted.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#exemplars
 * @module
 */
import type { Tags } from "../sample.ts";
import type { Exemplar, Label } from "../../model/time_series.ts";

/** The time series that a value belongs to, and the value in its unit. */
export interface ExemplarPlace {
  /** Index into the mapping's outputs. */
  readonly output: number;
  /** In the unit that is sent. */
  readonly value: number;
}

/** Says where an example of a value belongs; undefined for nowhere. */
export type PlaceExemplar = (value: number) => ExemplarPlace | undefined;

/** What of a sample's metadata identifies it beyond the run; in order. */
const labelNames: readonly string[] = ["span_id", "trace_id"];

/** A second, as a receiver keeps only so many in all (Prometheus 100,000 at most by default), and one shows what many would. */
const minIntervalMs = 1000;

/** OpenMetrics allows an exemplar so many characters of label names and values; Prometheus refuses one with more. */
const maxLabelLength = 128;

/** The latest example of each time series, handed out at most once a second of the samples' own time. */
export class SeriesExemplars {
  readonly #place: PlaceExemplar;
  readonly #latest = new Map<number, Exemplar & { readonly timestamp: number }>();
  readonly #taken = new Map<number, number>();

  /** @param place from the mapping */
  constructor(place: PlaceExemplar) {
    this.#place = place;
  }

  /** Takes a sample's value and metadata, if there is a trace in it; `time` in milliseconds since the Unix epoch. */
  add(metadata: Tags, value: number, time: number): void {
    const labels = labelsOf(metadata);
    const place = labels === undefined ? undefined : this.#place(value);
    // A time of 0 is none on the wire.
    if (labels === undefined || place === undefined || time === 0) return;
    const known = this.#latest.get(place.output);
    if (known !== undefined && known.timestamp > time) return;
    this.#latest.set(place.output, { labels, value: place.value, timestamp: time });
  }

  /** The example that goes along with an output's next sample. Their times rise. */
  take(output: number): Exemplar | undefined {
    const latest = this.#latest.get(output);
    if (latest === undefined || latest.timestamp < (this.#taken.get(output) ?? -Infinity) + minIntervalMs) {
      return undefined;
    }
    this.#latest.delete(output);
    this.#taken.set(output, latest.timestamp);
    return latest;
  }
}

/** Sorted by name; undefined if there is no trace, or too much of it. */
function labelsOf(metadata: Tags): readonly Label[] | undefined {
  if ((metadata.trace_id ?? "") === "") return undefined;
  const labels = labelNames.flatMap((name): Label[] => {
    const value = metadata[name] ?? "";
    return value === "" ? [] : [{ name, value }];
  });
  const length = labels.reduce((sum, { name, value }) => sum + [...name].length + [...value].length, 0);
  return length > maxLabelLength ? undefined : labels;
}

/**
 * Exemplars of one k6 series, such as the trace of a slow request.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#exemplars
 * @module
 */
import type { Tags } from "../sample.ts";
import type { Exemplar, Label } from "../../model/time_series.ts";

/** Returns the place for an exemplar of a sample's value; undefined if it has none. */
export type PlaceExemplar = (value: number) => {
  /** Index into the mapping's `outputs`. */
  readonly output: number;
  /** The value in the unit that is sent. */
  readonly value: number;
} | undefined;

/** The metadata that identify a sample beyond the run, in the order of their names. */
const labelNames: readonly string[] = ["span_id", "trace_id"];

/** Receivers keep a limited number of exemplars (Prometheus at most 100,000 by default), and one per second shows enough. */
const minIntervalMs = 1000;

/** OpenMetrics limits the label names and values of an exemplar to 128 characters; Prometheus rejects longer ones. */
const maxLabelLength = 128;

/** Keeps the latest exemplar of each time series, and returns at most one per second of the samples' time. */
export class SeriesExemplars {
  readonly #place: PlaceExemplar;
  readonly #latest = new Map<number, Exemplar & { readonly timestamp: number }>();
  readonly #nextAt = new Map<number, number>();

  /** @param place from the mapping */
  constructor(place: PlaceExemplar) {
    this.#place = place;
  }

  /** Keeps a sample as an exemplar if its metadata hold a trace. `time` is in milliseconds since the Unix epoch. */
  add(metadata: Tags, value: number, time: number): void {
    const labels = labelsOf(metadata);
    const place = labels && this.#place(value);
    // On the wire, the time 0 means that there is none.
    if (labels === undefined || place === undefined || time === 0) return;
    if (time < (this.#latest.get(place.output)?.timestamp ?? -Infinity)) return;
    this.#latest.set(place.output, { labels, value: place.value, timestamp: time });
  }

  /** Returns the exemplar for the next sample of an output. The times of an output's exemplars rise. */
  take(output: number): Exemplar | undefined {
    const latest = this.#latest.get(output);
    if (latest === undefined || latest.timestamp < (this.#nextAt.get(output) ?? -Infinity)) return undefined;
    this.#latest.delete(output);
    this.#nextAt.set(output, latest.timestamp + minIntervalMs);
    return latest;
  }
}

/** Returns the labels of an exemplar, sorted by name; undefined if there is no trace, or the labels are too long. */
function labelsOf(metadata: Tags): readonly Label[] | undefined {
  if ((metadata.trace_id ?? "") === "") return undefined;
  const labels = labelNames.flatMap((name): Label[] => {
    const value = metadata[name] ?? "";
    return value === "" ? [] : [{ name, value }];
  });
  const { length } = [...labels.map(({ name, value }) => name + value).join("")];
  return length > maxLabelLength ? undefined : labels;
}

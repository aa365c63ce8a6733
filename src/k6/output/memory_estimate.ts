/**
 * Estimates the memory of a run's series, to warn before the memory of the process is used up.
 *
 * @module
 */
import { busiestLabel } from "../series/busiest_label.ts";
import type { OpenedSeries, Series } from "../series/series_store.ts";
import type { EncodedSeries } from "../../protocol/encoded_series.ts";

/** Measured on Node with five labels; the other runtimes need less. */
const bytesPerSeries = 850;
const bytesPerNativeHistogram = 600;
/** The outputs of a classic histogram share no labels. */
const bytesPerUnsharedOutput = 570;

/** Node's heap is limited to 2 to 4 GB by default, and a warning must come earlier. */
const warnAtBytes = 1e9;

/** The series that `MemoryEstimate` examines, and where its warning goes. */
interface MemoryEstimateOptions {
  /** Returns all series, to find the label with the most values. */
  series(): Iterable<Series<EncodedSeries>>;
  /** Called once, when the series take much memory. */
  onWarning(message: string): void;
}

/** Adds up the memory of series. */
export class MemoryEstimate {
  readonly #options: MemoryEstimateOptions;
  #bytes = 0;
  #count = 0;
  #warned = false;

  constructor(options: MemoryEstimateOptions) {
    this.#options = options;
  }

  /** The estimated memory of all series, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts the memory of a new series. Warns once if all series together take too much. */
  add({ output: { outputs, sharedV1 } }: OpenedSeries<EncodedSeries>): void {
    const histogram = outputs.length === 1 && outputs[0]?.metadata?.type === "histogram" ? bytesPerNativeHistogram : 0;
    this.#bytes += bytesPerSeries + (sharedV1.length > 0 ? histogram : outputs.length * bytesPerUnsharedOutput);
    this.#count++;
    if (this.#bytes < warnAtBytes || this.#warned) return;
    this.#warned = true;
    const { name, values } = busiestLabel(this.#options.series()) ?? {};
    const label = name === undefined ? "" : `; the label "${name}" has the most values, ${values}`;
    this.#options.onWarning(
      `The ${this.#count} series so far take about ${
        (this.#bytes / 1e9).toFixed(1)
      } GB of memory${label}. Drop a label with ` +
        "relabel or keepUrlTag, or limit the series with maxSeries.",
    );
  }
}

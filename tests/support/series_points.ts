/** Series with their points, as a receiver gets them. */
import type { SeriesPoints } from "../../src/cli/report/series_results.ts";
import type { HistogramValue, Label, TimeSeries } from "../../src/model/time_series.ts";

interface Points extends SeriesPoints {
  readonly times: number[];
  readonly values: number[];
  histograms: (HistogramValue | undefined)[] | undefined;
  length: number;
}

/** Collects the points of series, by the labels of the series. */
export class CollectedSeries {
  readonly #series = new Map<string, Points>();

  /** All series that arrived, with their points in order. */
  get all(): readonly SeriesPoints[] {
    return [...this.#series.values()];
  }

  /** Adds the series of a request. */
  add(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, samples = [], histograms = [] } of timeSeries) {
      const points = this.#find(labels);
      for (const { timestamp, value, stale } of samples) {
        points.times.push(Number(timestamp));
        points.values.push(stale === true ? NaN : value);
        points.length++;
      }
      for (const { timestamp, stale, ...histogram } of histograms) {
        points.histograms ??= [];
        points.histograms[points.length++] = stale === true ? undefined : histogram;
        points.times.push(Number(timestamp));
        points.values.push(stale === true ? NaN : histogram.count);
      }
    }
  }

  #find(labels: readonly Label[]): Points {
    const key = JSON.stringify(labels);
    let points = this.#series.get(key);
    if (points === undefined) {
      const name = labels.find((label) => label.name === "__name__")?.value ?? "";
      const others = labels.filter((label) => label.name !== "__name__");
      points = { name, labels: others, times: [], values: [], histograms: undefined, length: 0 };
      this.#series.set(key, points);
    }
    return points;
  }
}

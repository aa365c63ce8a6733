/**
 * Turns a batch into time series in their plain form.
 *
 * @module
 */
import type { FloatSample, Histogram, Label, TimeSeries } from "../model/time_series.ts";
import { type Batch, forEachSeries } from "./batch.ts";
import type { EncodedSeries } from "./encoded_series.ts";

/** The labels of series, which are the same objects for as long as the series lives. */
const labels = new WeakMap<EncodedSeries, readonly Label[]>();

function labelsOf(series: EncodedSeries): readonly Label[] {
  let known = labels.get(series);
  if (known === undefined) labels.set(series, known = series.labels);
  return known;
}

/** Returns the series of a batch with their samples and histograms, without exemplars. */
export function timeSeriesOf(batch: Batch): TimeSeries[] {
  const all: TimeSeries[] = [];
  forEachSeries({ batch, from: 0, to: batch.length }, (series, from, to) => {
    const samples: FloatSample[] = [];
    const histograms: Histogram[] = [];
    for (let at = from; at < to; at++) {
      const timestamp = batch.times[at] ?? 0;
      const histogram = batch.histograms.get(at);
      if (batch.stale.has(at)) samples.push({ timestamp, value: NaN, stale: true });
      else if (histogram !== undefined) histograms.push({ ...histogram, timestamp });
      else samples.push({ timestamp, value: batch.values[at] ?? NaN });
    }
    all.push({ labels: labelsOf(series), samples, histograms, metadata: series.metadata });
  });
  return all;
}

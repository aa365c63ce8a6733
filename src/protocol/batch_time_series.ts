/**
 * Turns a batch into time series in their plain form.
 *
 * @module
 */
import type { FloatSample, Histogram, Label, TimeSeries } from "../model/time_series.ts";
import { type Batch, forEachSeries } from "./batch.ts";
import type { EncodedSeries, SeriesOutput } from "./encoded_series.ts";

/** The labels of time series, which are the same objects for as long as the series lives. */
const labels = new WeakMap<EncodedSeries, Map<SeriesOutput, readonly Label[]>>();

function labelsOf(series: EncodedSeries, output: SeriesOutput): readonly Label[] {
  const known = labels.get(series) ?? new Map<SeriesOutput, readonly Label[]>();
  labels.set(series, known);
  let own = known.get(output);
  if (own === undefined) known.set(output, own = series.only(series.outputs.indexOf(output)).labels);
  return own;
}

/** Returns the series of a batch with their samples and histograms, without exemplars. */
export function timeSeriesOf(batch: Batch): TimeSeries[] {
  const all: TimeSeries[] = [];
  forEachSeries({ batch, from: 0, to: batch.length }, (series, output, from, to) => {
    const samples: FloatSample[] = [];
    const histograms: Histogram[] = [];
    for (let at = from; at < to; at++) {
      const timestamp = batch.times[at] ?? 0;
      const histogram = batch.histograms.get(at);
      if (batch.stale.has(at)) samples.push({ timestamp, value: NaN, stale: true });
      else if (histogram !== undefined) histograms.push({ ...histogram, timestamp });
      else samples.push({ timestamp, value: batch.values[at] ?? NaN });
    }
    all.push({ labels: labelsOf(series, output), samples, histograms, metadata: output.metadata });
  });
  return all;
}

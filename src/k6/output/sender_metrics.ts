/**
 * Sends the sender's own statistics as series, with the names that Prometheus's sender uses.
 *
 * @see https://github.com/prometheus/prometheus/blob/main/storage/remote/queue_manager.go
 * @module
 */
import { byName, validMetricName } from "../../model/labels.ts";
import { labelsOf } from "../series/labels_of.ts";
import type { Label, SeriesType } from "../../model/time_series.ts";
import type { Batch } from "../../protocol/batch.ts";
import { type EncodedSeries, encodeSeries } from "../../protocol/encoded_series.ts";
import { dropReasons, type SendStatsSnapshot } from "../../send/stats.ts";
import type { Tags } from "../sample.ts";

/** The names and the labels of the series. */
interface SenderMetricsOptions {
  /** The beginning of every name. */
  readonly prefix: string;
  /** The labels of every series. */
  readonly labels: Tags;
}

/** Turns statistics into samples of series. */
export class SenderMetrics {
  readonly #prefix: string;
  readonly #labels: ReadonlyMap<string, string>;
  readonly #series = new Map<string, EncodedSeries>();
  #lastTime = -Infinity;

  constructor({ prefix, labels }: SenderMetricsOptions) {
    this.#prefix = `${prefix}remote_write_`;
    this.#labels = new Map(Object.entries(labels).filter(([, value]) => value !== ""));
  }

  /** Adds the statistics to a batch, which must always belong to the same shard. `time` is in milliseconds. */
  addTo(batch: Batch, { stats, time }: { readonly stats: SendStatsSnapshot; readonly time: number }): void {
    const stamp = Math.max(Math.floor(time), this.#lastTime + 1);
    this.#lastTime = stamp;
    const push = (type: SeriesType, name: string, value: number, label?: Label): void =>
      void batch.push(this.#find(type, name, label), value, stamp);
    push("counter", "samples_total", stats.samplesTotal);
    push("counter", "samples_failed_total", stats.samplesFailedTotal);
    push("counter", "samples_retried_total", stats.samplesRetriedTotal);
    for (const reason of dropReasons) {
      // Sent from the start, because `increase()` does not see a counter's first value.
      const value = stats.samplesDroppedTotal[reason] ?? 0;
      push("counter", "samples_dropped_total", value, { name: "reason", value: reason });
    }
    push("gauge", "samples_pending", stats.samplesPending);
    push("counter", "bytes_total", stats.bytesTotal);
    push("counter", "requests_total", stats.requestsTotal);
    const { bounds, counts, sum, count } = stats.requestDuration;
    let cumulative = 0;
    for (const [index, inBucket] of counts.entries()) {
      cumulative += inBucket;
      const bound = bounds[index] === undefined ? "+Inf" : String(bounds[index]);
      push("histogram", "request_duration_seconds_bucket", cumulative, { name: "le", value: bound });
    }
    push("histogram", "request_duration_seconds_sum", sum);
    push("histogram", "request_duration_seconds_count", count);
    if (stats.highestSentTimestampMs !== undefined) {
      push("gauge", "highest_sent_timestamp_seconds", stats.highestSentTimestampMs / 1000);
    }
  }

  #find(type: SeriesType, name: string, label?: Label): EncodedSeries {
    const key = `${name} ${label?.value ?? ""}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const own = [
        { name: "__name__", value: validMetricName(this.#prefix + name) },
        ...label === undefined ? [] : [label],
      ];
      const labels = labelsOf(this.#labels, { reserved: own.map((each) => each.name) });
      series = encodeSeries([...labels, ...own].sort(byName), { type });
      this.#series.set(key, series);
    }
    return series;
  }
}

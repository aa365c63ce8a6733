/**
 * Counts the samples that an output rejects, and warns once per reason.
 *
 * @module
 */
import { listOf } from "../../model/check_keys.ts";
import { metricTypes } from "../metric.ts";
import { busiestLabel } from "../series/busiest_label.ts";
import type { RefusalReason, Series } from "../series/series_store.ts";
import type { Sample } from "../sample.ts";
import type { EncodedSeries } from "../../protocol/encoded_series.ts";

/** The limits and the series that the warnings name, and where they go. */
interface RejectedSamplesOptions {
  /** The limit that a warning names. */
  readonly maxSeries: number;
  /** The limit that a warning names, in milliseconds. */
  readonly maxTimeJumpMs: number;
  /** Returns all series, to find the label with the most values. */
  series(): Iterable<Series<EncodedSeries>>;
  /** Called for the first sample of each reason. */
  onWarning(message: string): void;
}

/** Counts rejected samples by reason. */
export class RejectedSamples {
  readonly #options: RejectedSamplesOptions;
  readonly #counts: Record<RefusalReason, number> = {
    invalidValue: 0,
    invalidTime: 0,
    invalidMetric: 0,
    futureTime: 0,
    timeJump: 0,
    maxSeries: 0,
    closed: 0,
  };

  constructor(options: RejectedSamplesOptions) {
    this.#options = options;
  }

  /** The number of rejected samples so far, by reason. */
  get counts(): Readonly<Record<RefusalReason, number>> {
    return { ...this.#counts };
  }

  /** Counts a sample, and warns if it is the first one with its reason. */
  add(reason: RefusalReason, sample: Sample): void {
    this.#counts[reason]++;
    if (this.#counts[reason] > 1) return;
    const what = this.#describe(reason, sample);
    this.#options.onWarning(`Rejected a sample of ${sample.metric?.name}: ${what}. Further samples are only counted.`);
  }

  #describe(reason: RefusalReason, { metric, value, time }: Sample): string {
    switch (reason) {
      case "invalidValue":
        return `its value is ${value}, expected a finite number`;
      case "invalidTime":
        return `its time is ${time}, expected milliseconds since 1970`;
      case "invalidMetric":
        return `the type of its metric is ${metric?.type}, expected ${listOf(metricTypes)}`;
      case "closed":
        return "the output is closed, expected samples before close()";
      case "futureTime":
        return `its time is ${time}, expected milliseconds since 1970, at most 10 minutes ahead of the clock`;
      case "timeJump": {
        const hours = this.#options.maxTimeJumpMs / 3_600_000;
        const limit = `more than ${hours >= 1 ? `${hours} h` : `${hours * 3600} s`}`;
        return `its time is ${formatTime(time)}, ${limit} from the samples around it (maxTimeJumpMs)`;
      }
      case "maxSeries":
        return `there are ${this.#options.maxSeries} series already (maxSeries)${this.#describeBusiestLabel()}`;
    }
  }

  #describeBusiestLabel(): string {
    const busiest = busiestLabel(this.#options.series());
    if (busiest === undefined) return "";
    const { name, values, series } = busiest;
    return `; the label "${name}" has the most values, ${values} in ${series} series`;
  }
}

/** Returns a time as a date, or as the number if it is out of the range of dates. */
function formatTime(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time);
}

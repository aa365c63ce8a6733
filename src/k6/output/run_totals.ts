/**
 * The account of a run: each sample of a time series is counted once.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { ReportBuilder } from "../../send/report_builder.ts";

/** What became of the samples of a run so far. */
export class RunTotals {
  readonly #settled = new ReportBuilder();
  /** What no flush has reported yet: samples that were lost before the queue. */
  #lost = new ReportBuilder();
  #emitted = 0;

  /** So many samples go into the queue. */
  emit(samples: number): void {
    this.#emitted += samples;
  }

  /** Samples never came as far as the queue. */
  lose(samples: number, reason: string): void {
    this.#emitted += samples;
    this.#lost.count("dropped", samples, reason);
  }

  /** Counts a report. What is deferred in it may be sent by a later flush: only the end can tell, by what is missing. */
  count(report: DeliveryReport): DeliveryReport {
    this.#settled.add({ ...report, deferred: 0 });
    return report;
  }

  /** What was lost since the last time. */
  takeLost(): DeliveryReport {
    const report = this.#lost.report();
    this.#lost = new ReportBuilder();
    return this.count(report);
  }

  /** Nothing more is sent: the account of the whole run. */
  close(): DeliveryReport {
    this.takeLost();
    this.#settled.count("deferred", this.#emitted - this.#settled.samples);
    return this.#settled.report();
  }
}

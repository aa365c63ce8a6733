/**
 * Counts what happened to each sample of a run.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { ReportBuilder } from "../../send/report_builder.ts";

/** The totals of a run so far. */
export class RunTotals {
  readonly #settled = new ReportBuilder();
  /** The samples that were lost before the queue, and that no flush has reported yet. */
  #lost = new ReportBuilder();
  #emitted = 0;
  /** Samples that newer ones replaced in the queue: no report has an outcome for them. */
  #merged = 0;

  /** Counts samples that are added to the queue. */
  emit(samples: number): void {
    this.#emitted += samples;
  }

  /** Counts samples that were lost before the queue. */
  lose(samples: number, reason: string): void {
    this.#emitted += samples;
    this.#lost.count("dropped", samples, reason);
  }

  /** Counts a report, except its deferred samples, because a later flush may send them. Returns the report. */
  count(report: DeliveryReport): DeliveryReport {
    this.#settled.add({ ...report, deferred: 0 });
    this.#merged += report.merged;
    return report;
  }

  /** Returns a report of the samples that were lost since the last call. */
  takeLost(): DeliveryReport {
    const report = this.#lost.report();
    this.#lost = new ReportBuilder();
    return this.count(report);
  }

  /** Returns the totals of the whole run. Samples that no report has counted stay deferred. */
  close(): DeliveryReport {
    this.takeLost();
    this.#settled.count("deferred", this.#emitted - this.#merged - this.#settled.samples);
    return this.#settled.report();
  }
}

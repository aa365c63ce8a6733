/**
 * Counts what happened to each sample of a run, once.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { ReportBuilder } from "../../send/report_builder.ts";

/** The totals of a run so far. */
export class RunTotals {
  readonly #settled = new ReportBuilder();
  /** Samples that were lost before the queue and that no flush has reported yet. */
  #lost = new ReportBuilder();
  #emitted = 0;

  /** Counts samples that go into the queue. */
  emit(samples: number): void {
    this.#emitted += samples;
  }

  /** Counts samples that did not reach the queue. */
  lose(samples: number, reason: string): void {
    this.#emitted += samples;
    this.#lost.count("dropped", samples, reason);
  }

  /** Counts a report, without its deferred samples: a later flush may send them. */
  count(report: DeliveryReport): DeliveryReport {
    this.#settled.add({ ...report, deferred: 0 });
    return report;
  }

  /** Returns what was lost since the last call. */
  takeLost(): DeliveryReport {
    const report = this.#lost.report();
    this.#lost = new ReportBuilder();
    return this.count(report);
  }

  /** Returns the totals of the whole run; what no report has settled is deferred for good. */
  close(): DeliveryReport {
    this.takeLost();
    this.#settled.count("deferred", this.#emitted - this.#settled.samples);
    return this.#settled.report();
  }
}

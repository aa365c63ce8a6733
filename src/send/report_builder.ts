/**
 * Adds up what became of samples.
 *
 * @module
 */
import type { DeliveryReport, Outcome, ReasonCount } from "../model/delivery_report.ts";
import { kindOf } from "./warnings.ts";

const maxReasons = 20;

/** Adds up a report. */
export class ReportBuilder {
  readonly #counts = { delivered: 0, rejected: 0, failed: 0, unknown: 0, dropped: 0, deferred: 0 };
  readonly #reasons = new Map<string, { readonly outcome: Outcome; readonly reason: string; samples: number }>();
  #requests = 0;
  #retries = 0;
  #bytes = 0;

  /** Counts samples that nothing else will become of. */
  count(outcome: Outcome, samples: number, reason?: string): void {
    if (samples === 0) return;
    this.#counts[outcome] += samples;
    if (reason !== undefined) this.#addReason({ outcome, reason, samples });
  }

  /** Counts what a request took. */
  countRequest({ attempts, bodyBytes }: { readonly attempts: number; readonly bodyBytes: number }): void {
    this.#requests += attempts;
    this.#retries += Math.max(0, attempts - 1);
    this.#bytes += attempts * bodyBytes;
  }

  /** Adds another report to this. */
  add(report: DeliveryReport): void {
    for (const outcome of ["delivered", "rejected", "failed", "unknown", "dropped", "deferred"] as const) {
      this.#counts[outcome] += report[outcome];
    }
    for (const reason of report.reasons) this.#addReason(reason);
    this.#requests += report.requests;
    this.#retries += report.retries;
    this.#bytes += report.bytes;
  }

  /** How many samples were counted so far. */
  get samples(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  /** What was counted so far. */
  report(): DeliveryReport {
    const { samples } = this;
    const reasons = [...this.#reasons.values()].map((reason) => ({ ...reason }));
    const rest = { requests: this.#requests, retries: this.#retries, bytes: this.#bytes, reasons };
    return { samples, ...this.#counts, ...rest };
  }

  #addReason({ outcome, reason, samples }: ReasonCount): void {
    const kind = `${outcome} ${kindOf(reason)}`;
    const known = this.#reasons.get(kind);
    if (known !== undefined) known.samples += samples;
    else if (this.#reasons.size < maxReasons) this.#reasons.set(kind, { outcome, reason, samples });
    else this.#addRest(outcome, samples);
  }

  #addRest(outcome: Outcome, samples: number): void {
    const key = `${outcome} rest`;
    const rest = this.#reasons.get(key) ?? { outcome, reason: "other reasons", samples: 0 };
    rest.samples += samples;
    this.#reasons.set(key, rest);
  }
}

/** The sum of reports. */
export function mergeReports(reports: Iterable<DeliveryReport>): DeliveryReport {
  const tally = new ReportBuilder();
  for (const report of reports) tally.add(report);
  return tally.report();
}

/**
 * Adds up what happened to samples.
 *
 * @module
 */
import type { DeliveryReport, Outcome, ReasonCount } from "../model/delivery_report.ts";
import { kindOf } from "./warnings.ts";

/** The most reasons in a report, which are enough to show what is wrong. */
const maxReasons = 20;

/** Adds up outcomes and reasons to a report. */
export class ReportBuilder {
  readonly #counts = { delivered: 0, rejected: 0, failed: 0, unknown: 0, dropped: 0, deferred: 0 };
  /** Numbers that are not part of `samples`. */
  readonly #others = { merged: 0, requests: 0, retries: 0, bytes: 0 };
  readonly #reasons = new Map<string, ReasonCount>();

  /** Counts samples with their final outcome. */
  count(outcome: Outcome, samples: number, reason?: string): void {
    if (samples === 0) return;
    this.#counts[outcome] += samples;
    if (reason !== undefined) this.#addReason({ outcome, reason, samples });
  }

  /** Counts a request with all its attempts. */
  countRequest(attempts: number, bodyBytes: number): void {
    addTo(this.#others, {
      merged: 0,
      requests: attempts,
      retries: Math.max(0, attempts - 1),
      bytes: attempts * bodyBytes,
    });
  }

  /** Counts samples that a newer sample of their series replaced. */
  countMerged(samples: number): void {
    this.#others.merged += samples;
  }

  /** Adds the counts and reasons of another report. */
  add(report: DeliveryReport): void {
    addTo(this.#counts, report);
    addTo(this.#others, report);
    for (const reason of report.reasons) this.#addReason(reason);
  }

  /** The number of samples that were counted so far. */
  get samples(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  /** Returns what was counted so far. */
  report(): DeliveryReport {
    return { samples: this.samples, ...this.#counts, ...this.#others, reasons: [...this.#reasons.values()] };
  }

  #addReason(reason: ReasonCount): void {
    let kind = `${reason.outcome} ${kindOf(reason.reason)}`;
    let added = reason;
    if (!this.#reasons.has(kind) && this.#reasons.size >= maxReasons) {
      kind = `${reason.outcome} rest`;
      added = { ...reason, reason: "other reasons" };
    }
    const known = this.#reasons.get(kind) ?? { ...added, samples: 0 };
    this.#reasons.set(kind, { ...known, samples: known.samples + reason.samples });
  }
}

/** Adds the numbers of the same names. */
function addTo<Name extends string>(sums: Record<Name, number>, added: Readonly<Record<NoInfer<Name>, number>>): void {
  for (const name in sums) sums[name] += added[name];
}

/** Returns the sum of the reports. */
export function mergeReports(reports: Iterable<DeliveryReport>): DeliveryReport {
  const builder = new ReportBuilder();
  for (const report of reports) builder.add(report);
  return builder.report();
}

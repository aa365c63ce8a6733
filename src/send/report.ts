/**
 * What became of samples, in numbers.
 *
 * @module
 */
import { kindOf } from "./warnings.ts";

/** What can become of a sample; each ends as exactly one of these. */
export type Fate = "delivered" | "rejected" | "failed" | "unknown" | "dropped" | "unsent";

/** Why samples were not delivered. */
export interface ReasonCount {
  /** What became of them. */
  readonly fate: Fate;
  /** The receiver's own words, the network's, or this module's; the first of several that differ only in numbers and names. */
  readonly reason: string;
  /** How many. */
  readonly samples: number;
}

/** What became of the samples of a batch, a flush or a run. */
export interface DeliveryReport {
  /** How many there were: the sum of the six below. */
  readonly samples: number;
  /** Acknowledged. */
  readonly delivered: number;
  /** Refused for good, or left out of an acknowledgement. */
  readonly rejected: number;
  /** Given up after the last try. */
  readonly failed: number;
  /** Perhaps stored: refused on a retry after an answer that never came, or given up while an answer was awaited. */
  readonly unknown: number;
  /** Pushed out of a full queue. */
  readonly dropped: number;
  /** Not sent (any more): the queue was closed, or the requests of this flush were used up. */
  readonly unsent: number;
  /** Requests sent, retries included. */
  readonly requests: number;
  /** How many of the requests were retries. */
  readonly retries: number;
  /** Compressed size of the bodies sent, retries included. */
  readonly bytes: number;
  /** Why samples were not delivered; at most 20 different reasons, then the rest. */
  readonly reasons: readonly ReasonCount[];
}

const maxReasons = 20;

/** Adds up a report. */
export class Tally {
  readonly #counts = { delivered: 0, rejected: 0, failed: 0, unknown: 0, dropped: 0, unsent: 0 };
  readonly #reasons = new Map<string, { readonly fate: Fate; readonly reason: string; samples: number }>();
  #requests = 0;
  #retries = 0;
  #bytes = 0;

  /** Counts samples that nothing else will become of. */
  count(fate: Fate, samples: number, reason?: string): void {
    if (samples === 0) return;
    this.#counts[fate] += samples;
    if (reason !== undefined) this.#addReason({ fate, reason, samples });
  }

  /** Counts what a request took. */
  countRequest({ attempts, bodyBytes }: { readonly attempts: number; readonly bodyBytes: number }): void {
    this.#requests += attempts;
    this.#retries += Math.max(0, attempts - 1);
    this.#bytes += attempts * bodyBytes;
  }

  /** Adds another report to this. */
  add(report: DeliveryReport): void {
    for (const fate of ["delivered", "rejected", "failed", "unknown", "dropped", "unsent"] as const) {
      this.#counts[fate] += report[fate];
    }
    for (const reason of report.reasons) this.#addReason(reason);
    this.#requests += report.requests;
    this.#retries += report.retries;
    this.#bytes += report.bytes;
  }

  /** What was counted so far. */
  report(): DeliveryReport {
    const samples = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const reasons = [...this.#reasons.values()].map((reason) => ({ ...reason }));
    const rest = { requests: this.#requests, retries: this.#retries, bytes: this.#bytes, reasons };
    return { samples, ...this.#counts, ...rest };
  }

  #addReason({ fate, reason, samples }: ReasonCount): void {
    const kind = `${fate} ${kindOf(reason)}`;
    const known = this.#reasons.get(kind);
    if (known !== undefined) known.samples += samples;
    else if (this.#reasons.size < maxReasons) this.#reasons.set(kind, { fate, reason, samples });
    else this.#addRest(fate, samples);
  }

  #addRest(fate: Fate, samples: number): void {
    const key = `${fate} rest`;
    const rest = this.#reasons.get(key) ?? { fate, reason: "other reasons", samples: 0 };
    rest.samples += samples;
    this.#reasons.set(key, rest);
  }
}

/** The sum of reports. */
export function mergeReports(reports: Iterable<DeliveryReport>): DeliveryReport {
  const tally = new Tally();
  for (const report of reports) tally.add(report);
  return tally.report();
}

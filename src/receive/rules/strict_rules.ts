/**
 * Checks whether requests keep the rules that the specifications set for senders.
 *
 * @module
 */
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import type { Label, TimeSeries } from "../../model/time_series.ts";
import type { DecodedRequest } from "../../protocol/decode.ts";
import type { Report, Rule } from "./violation.ts";
import { checkLabels } from "./label_rules.ts";
import { checkSamples } from "./sample_rules.ts";
import { type LongTexts, seriesKey } from "../series_key.ts";
import { sampleAt, SeriesOrder } from "./series_order.ts";
import { checkSymbols } from "./symbol_rules.ts";

/** What a decoded request is checked against. */
export interface StrictCheckOptions {
  /** Of the message. */
  readonly version: ProtocolVersion;
  /** Takes each violation, with the labels of the series whose it is; each rule at most once a series. */
  readonly report: (rule: Rule, message: string, labels?: readonly Label[]) => void;
}

/** The rules, and what they have to remember from request to request. */
export class StrictRules {
  readonly #order: SeriesOrder;

  /** @param maxTrackedSeries series whose last sample is remembered */
  constructor(maxTrackedSeries: number) {
    this.#order = new SeriesOrder(maxTrackedSeries);
  }

  /**
   * Checks a request.
   *
   * @returns for a request that is taken: remembers its samples, and returns what forgets them if they could not be stored
   */
  check(request: DecodedRequest, { version, report }: StrictCheckOptions): () => () => void {
    const { timeSeries, symbols, foreignField, oddNans } = request;
    if (foreignField !== undefined) report("body", foreignMessage(foreignField));
    if (symbols !== undefined && timeSeries.length + symbols.length > 0) checkSymbols(symbols, report);
    // A series may be in several places, as those of Prometheus's own sender are that has more than one sample of it.
    const latest = new Map<number, TimeSeries>();
    const longTexts: LongTexts = new Map();
    for (const series of timeSeries) {
      const reportOnce = oncePerClause((rule, message) => report(rule, message, series.labels));
      checkLabels(series.labels, { version, report: reportOnce });
      checkSamples(series, { version, oddNans, report: reportOnce });
      const first = sampleAt(series, 0);
      if (first === undefined) continue;
      const key = seriesKey(series.labels, longTexts);
      const before = latest.get(key);
      latest.set(key, series);
      if (before === undefined) {
        const message = this.#order.violation(key, series);
        if (message !== undefined) reportOnce("requestOrder", message);
        continue;
      }
      const last = sampleAt(before, -1)?.timestamp ?? -Infinity;
      if (first.timestamp <= last) {
        reportOnce("sampleOrder", `a sample is at ${first.timestamp} after one at ${last}, expected rising timestamps`);
      }
    }
    return () => this.#order.accept(latest);
  }
}

/** Says what is wrong with a field that the message's version reserves. */
export function foreignMessage(field: number): string {
  return `the message has the field ${field}, expected only those of the version that Content-Type names`;
}

/** A series with many bad samples is reported once a rule. */
function oncePerClause(report: Report): Report {
  const reported = new Set<Rule>();
  return (rule, message) => {
    if (reported.has(rule)) return;
    reported.add(rule);
    report(rule, message);
  };
}

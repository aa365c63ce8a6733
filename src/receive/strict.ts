/**
 * Checks whether requests keep the rules that the specifications set for senders.
 *
 * @module
 */
import type { ProtocolVersion } from "../send/outcome.ts";
import type { Label, TimeSeries } from "../time_series.ts";
import type { DecodedRequest } from "../wire/decode.ts";
import { type Breach, type Clause, cut, type Report } from "./breach.ts";
import { formatSeries } from "./format_series.ts";
import { checkLabels } from "./label_rules.ts";
import { checkSamples } from "./sample_rules.ts";
import { SeriesOrder } from "./series_order.ts";
import { seriesKey } from "./series_key.ts";
import { checkSymbols } from "./symbol_rules.ts";

/** What a decoded request is checked against. */
export interface StrictCheckOptions {
  /** Of the message. */
  readonly version: ProtocolVersion;
  /** Takes each breach; each clause at most once a series. */
  readonly onBreach: (breach: Breach) => void;
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
  check(request: DecodedRequest, { version, onBreach }: StrictCheckOptions): () => () => void {
    const { timeSeries, symbols, foreignField, oddNans } = request;
    if (foreignField !== undefined) onBreach({ clause: "body", message: foreignMessage(foreignField) });
    if (symbols !== undefined && timeSeries.length + symbols.strings.length > 0) {
      checkSymbols(symbols, (clause, message) => onBreach({ clause, message }));
    }
    const known = new Map<number, TimeSeries>();
    for (const series of timeSeries) {
      const key = seriesKey(series.labels);
      const report = oncePerClause(series, onBreach);
      checkLabels(series.labels, { version, report });
      checkSamples(series, { version, oddNans, report });
      if (known.has(key)) report("seriesUnique", "the series comes twice, expected all of its samples in one place");
      else {
        const message = this.#order.breach(key, series);
        if (message !== undefined) report("requestOrder", message);
        known.set(key, series);
      }
    }
    return () => this.#order.accept(known);
  }
}

/** Says what is wrong with a field that the message's version reserves. */
export function foreignMessage(field: number): string {
  return `the message has the field ${field}, expected only those of the version that Content-Type names`;
}

/** A series with many bad samples is reported once a clause. */
function oncePerClause({ labels }: TimeSeries, onBreach: (breach: Breach) => void): Report {
  const reported = new Set<Clause>();
  let series: string | undefined;
  return (clause, message) => {
    if (reported.has(clause)) return;
    reported.add(clause);
    series ??= formatSeries(shortened(labels));
    onBreach({ clause, message, series });
  };
}

/** Breaches may be kept for long, and a hostile series is as long as its request. */
function shortened(labels: readonly Label[]): Label[] {
  return labels.slice(0, 64).map(({ name, value }) => ({ name: cut(name, 200), value: cut(value, 200) }));
}

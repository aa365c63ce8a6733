/**
 * Checks whether requests keep the rules that the specifications set for senders.
 *
 * @module
 */
import type { TimeSeries } from "../../model/time_series.ts";
import type { DecodedRequest } from "../../protocol/decode.ts";
import type { ProtocolVersion } from "../../send/request_result.ts";
import { quote } from "../quote.ts";
import { checkOptions, wholeNumber } from "../receiver_options.ts";
import { type LongTexts, seriesKey } from "../series_key.ts";
import { checkHeaders } from "./header_rules.ts";
import type { ReceiverRules, Report, RequestCheck, Rule } from "./rules.ts";
import { sampleAt, SeriesOrder } from "./series_order.ts";
import { checkSeries } from "./series_rules.ts";
import { ViolationList } from "./violation_list.ts";

const defaults = {
  // At most 20 MB of memory, and more series than one k6 run should have.
  maxTrackedSeries: 100_000,
} as const;

/** Options of the rules. */
export interface StrictRulesOptions {
  /**
   * The number of series whose last sample a receiver remembers at least, to check the order from request to request. It
   * remembers at most twice as many. Each takes about 100 bytes.
   *
   * @default 100000
   */
  readonly maxTrackedSeries?: number | undefined;
}

/**
 * Creates all rules that the specifications set for senders, for the option `strict` of a receiver.
 *
 * @example
 * ```ts
 * import { createReceiver, strictRules } from "k6-remote-write/receiver";
 *
 * const receive = createReceiver({
 *   strict: strictRules(),
 *   onWrite: ({ timeSeries }) => console.log(timeSeries.length),
 *   onViolation: ({ rule, message, series }) => console.warn(rule, message, series),
 * });
 * const response = await receive(new Request("http://localhost/", { method: "POST", body: "hello" }));
 * console.log(response.status); // 415 because of the Content-Type; warnings name each wrong header
 * ```
 *
 * @throws {ConfigurationError} if an option is unknown or has a wrong value
 */
export function strictRules(options: StrictRulesOptions = {}): ReceiverRules {
  checkOptions(options, { maxTrackedSeries: wholeNumber });
  const { maxTrackedSeries = defaults.maxTrackedSeries } = options;
  return {
    createChecks: (onViolation) => {
      const order = new SeriesOrder(maxTrackedSeries);
      return (request, version) => {
        const violations = new ViolationList(onViolation);
        checkHeaders(request, { version, report: (rule, message) => violations.add(rule, message) });
        return new StrictCheck({ order, version, violations });
      };
    },
  };
}

interface StrictCheckOptions {
  readonly order: SeriesOrder;
  /** The version of the message; undefined if it is unknown, so that the receiver refuses it without reading it. */
  readonly version: ProtocolVersion | undefined;
  readonly violations: ViolationList;
}

class StrictCheck implements RequestCheck {
  readonly #order: SeriesOrder;
  readonly #version: ProtocolVersion;
  readonly #violations: ViolationList;
  /** The last entry of each series in the request. */
  readonly #latest = new Map<number, TimeSeries>();

  constructor({ order, version = "1.0", violations }: StrictCheckOptions) {
    this.#order = order;
    this.#version = version;
    this.#violations = violations;
  }

  reportBody(message: string): void {
    this.#violations.add("body", message);
  }

  check({ timeSeries, symbols, oddNans }: DecodedRequest): string | undefined {
    const violations = this.#violations;
    if (symbols !== undefined && timeSeries.length + symbols.length > 0) {
      checkSymbols(symbols, (rule, message) => violations.add(rule, message));
    }
    const longTexts: LongTexts = new Map();
    for (const series of timeSeries) {
      const reported = new Set<Rule>();
      // A series with many bad samples is reported once for each rule.
      const report: Report = (rule, message) => {
        if (reported.has(rule)) return;
        reported.add(rule);
        violations.add(rule, message, series.labels);
      };
      checkSeries(series, { version: this.#version, oddNans, report });
      this.#checkOrder(series, { longTexts, report });
    }
    return violations.end();
  }

  accept(): () => void {
    return this.#order.accept(this.#latest);
  }

  /** Compares a series with its entry before: Prometheus sends several samples of a series as several entries. */
  #checkOrder(
    series: TimeSeries,
    { longTexts, report }: { readonly longTexts: LongTexts; readonly report: Report },
  ): void {
    const first = sampleAt(series, 0);
    if (first === undefined) return;
    const key = seriesKey(series.labels, longTexts);
    const before = this.#latest.get(key);
    this.#latest.set(key, series);
    if (before === undefined) {
      const message = this.#order.violation(key, series);
      if (message !== undefined) report("requestOrder", message);
      return;
    }
    const last = sampleAt(before, -1)?.timestamp ?? -Infinity;
    if (first.timestamp > last) return;
    report("sampleOrder", `a sample is at ${first.timestamp} after one at ${last}, expected rising timestamps`);
  }
}

function checkSymbols(symbols: readonly string[], report: Report): void {
  const [first] = symbols;
  if (first !== "") {
    report("symbolsFirst", `the first symbol is ${first === undefined ? "missing" : quote(first)}, expected ""`);
  }
  const known = new Set(symbols);
  if (known.size < symbols.length) {
    const repeated = symbols.find((text) => !known.delete(text)) ?? "";
    report("symbolsUnique", `the symbol ${quote(repeated)} occurs twice, expected once`);
  }
}

import type { TimeSeries } from "../../model/time_series.ts";
import type { DecodedRequest } from "../../protocol/decode.ts";
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { quote } from "../../model/printable.ts";
import { checkOptions, wholeNumber } from "../receiver_options.ts";
import { type LongTexts, seriesKey } from "../series_key.ts";
import { checkHeaders } from "./header_rules.ts";
import type { ReceiverRules, Report, Rule } from "./rules.ts";
import { sampleAt, SeriesOrder } from "./series_order.ts";
import { checkSeries } from "./series_rules.ts";
import { ViolationList } from "./violation_list.ts";

const defaults = {
  // At most 20 MB of memory, and more series than one k6 run should have.
  maxTrackedSeries: 100_000,
} as const;

/** The options of `strictRules`: how many series the rules about order remember. */
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
        const lastEntries: LastEntries = new Map();
        checkHeaders(request, { version, report: violations.add });
        return {
          reportBody: (message) => violations.add("body", message),
          check: (decoded) => {
            // The receiver reads no message of an unknown version.
            checkMessage(decoded, { version: version ?? "1.0", order, lastEntries, report: violations.add });
            return violations.end();
          },
          accept: () => order.accept(lastEntries),
        };
      };
    },
  };
}

/** The last entry of each series in a request, by `seriesKey`: Prometheus sends several samples of a series as several entries. */
type LastEntries = Map<number, TimeSeries>;

interface CheckMessageOptions {
  readonly version: ProtocolVersion;
  readonly order: SeriesOrder;
  readonly lastEntries: LastEntries;
  readonly report: ViolationList["add"];
}

function checkMessage(
  { timeSeries, symbols, oddNans }: DecodedRequest,
  { version, order, lastEntries, report }: CheckMessageOptions,
): void {
  if (symbols !== undefined && timeSeries.length + symbols.length > 0) checkSymbols(symbols, report);
  const longTexts: LongTexts = new Map();
  for (const series of timeSeries) {
    const reported = new Set<Rule>();
    // A series with many bad samples is reported once for each rule.
    const reportOnce: Report = (rule, message) => {
      if (reported.has(rule)) return;
      reported.add(rule);
      report(rule, message, series.labels);
    };
    checkSeries(series, { version, oddNans, report: reportOnce });
    const first = sampleAt(series, 0);
    if (first === undefined) continue;
    const key = seriesKey(series.labels, longTexts);
    const before = lastEntries.get(key);
    lastEntries.set(key, series);
    if (before === undefined) {
      const message = order.violation(key, series);
      if (message !== undefined) reportOnce("requestOrder", message);
      continue;
    }
    const last = sampleAt(before, -1)?.timestamp ?? -Infinity;
    if (first.timestamp > last) continue;
    reportOnce("sampleOrder", `a sample is at ${first.timestamp} after one at ${last}, expected rising timestamps`);
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

/**
 * The options of an aggregator.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { listOf, unexpected } from "../model/check_keys.ts";
import { isRecord } from "../model/records.ts";
import { clientOptionDefinitions, type ClientOptions, type OptionalClientOption } from "../client/client_options.ts";
import { checkOptions, type OptionDefinitions, type Resolved } from "../client/option_definition.ts";
import { queueOptionDefinitions, type QueueOptions } from "../client/queue_options.ts";
import { checkReceiverOptions } from "../receive/receiver_options.ts";
import type { ForwarderReceiverOptions } from "./remote_write_forwarder.ts";
import type { CombinedType, GaugeRule } from "./series_rule.ts";
import type { AggregatorStore } from "./stores/store.ts";

/** Options of an aggregator: those of a client, of its queue, of its receiver, and of the aggregation. */
export interface AggregatorOptions extends ClientOptions, Omit<QueueOptions, "spool"> {
  /**
   * The labels that distinguish senders. They are removed, and the series of all senders that are equal without them become one.
   * @default ["instance"]
   */
  readonly without?: readonly string[] | undefined;
  /** The labels that remain, in addition to the name and `le`; all others distinguish senders. It replaces `without`. */
  readonly by?: readonly string[] | undefined;
  /** How often the series are sent, in milliseconds. 0: only when `flush()` is called. @default 15000 */
  readonly intervalMs?: number | undefined;
  /**
   * How long a sender is remembered after its last sample, in milliseconds. Choose more than the longest pause of a sender: if a
   * sender that was forgotten comes back with the same counter, what it counted is added once more. Of a time in which the aggregator
   * is down, at most a tenth of `forgetAfterMs` counts.
   * @default 3600000
   */
  readonly forgetAfterMs?: number | undefined;
  /** The types of metrics, by name. They take precedence over metadata and over the endings of names. @default {} */
  readonly types?: Readonly<Record<string, CombinedType>> | undefined;
  /**
   * How gauges are combined, by the name of the metric: `last` is the newest value, `sum`, `min` and `max` are over all senders that
   * sent something in the last `forgetAfterMs`. By default, gauges whose names end in `_min` and `_max` have that rule, averages and
   * quantiles are left out, and all others have the rule `last`.
   * @default {}
   */
  readonly gauges?: Readonly<Record<string, GaugeRule>> | undefined;
  /** The most senders that are remembered. At this number, requests of new senders are answered 429. @default 100000 */
  readonly maxSenders?: number | undefined;
  /** The most series that are sent. Requests with samples of further series are answered 400. @default 100000 */
  readonly maxSeries?: number | undefined;
  /** The most memory of the state, estimated, in bytes. While the state takes more, requests are answered 429. @default 268435456 */
  readonly maxBytes?: number | undefined;
  /**
   * Keeps the state: `file()`, `durableObject()`, `denoKv()` or `memory()`. Samples that were answered with 2xx then survive a restart.
   * @default the state is lost when the process ends
   */
  readonly store?: AggregatorStore | undefined;
  /**
   * How long the aggregator tries to deliver a request, in milliseconds. While a request waits, newer values replace older ones.
   * @default Infinity
   */
  readonly retryDeadlineMs?: number | undefined;
  /** The options of the receiver: who may send, how much, and in which versions. */
  readonly receiver?: ForwarderReceiverOptions | undefined;
}

type OptionalAggregatorOption = OptionalClientOption | "by" | "without" | "store";

const gaugeRules: readonly string[] = ["last", "sum", "min", "max"];
const types: readonly string[] = ["counter", "gauge"];

// The aggregator has a store instead of a spool.
const { spool: _, ...queueOptions } = queueOptionDefinitions;

const definitions: OptionDefinitions<AggregatorOptions, OptionalAggregatorOption> = {
  ...clientOptionDefinitions,
  ...queueOptions,
  without: { kind: "labels", check: checkLabels },
  by: { kind: "labels", check: checkLabels },
  // As often as Prometheus scrapes in most setups.
  intervalMs: { kind: "durationMs", default: 15_000 },
  // Longer than most platforms keep an idle isolate.
  forgetAfterMs: { kind: "durationMs", min: 1, default: 3_600_000 },
  types: { kind: "types", default: {}, check: (value, name) => checkChoices(value, { name, choices: types }) },
  gauges: { kind: "rules", default: {}, check: (value, name) => checkChoices(value, { name, choices: gaugeRules }) },
  // About 50 MB, if each sender has one series.
  maxSenders: { kind: "wholeNumber", min: 1, default: 100_000 },
  // About 120 MB, if each has two labels.
  maxSeries: { kind: "wholeNumber", min: 1, default: 100_000 },
  maxBytes: { kind: "bytes", min: 1024, default: 256 * 1024 * 1024 },
  store: { kind: "store", check: checkStore },
  retryDeadlineMs: { ...clientOptionDefinitions.retryDeadlineMs, default: Infinity },
  receiver: { kind: "receiver", default: {} },
};

/** The options of an aggregator after the check. */
type ResolvedAggregatorOptions = Resolved<AggregatorOptions, OptionalAggregatorOption>;

/** Checks options and adds the defaults. @throws ConfigurationError if one is unknown or has a wrong value */
export function checkAggregatorOptions(options: AggregatorOptions): ResolvedAggregatorOptions {
  const checked = checkOptions(options, definitions);
  if (checked.by !== undefined && checked.without !== undefined) {
    throw new ConfigurationError("Cannot use the options by and without together: expected one of them");
  }
  checkReceiverOptions(checked.receiver);
  return checked.by === undefined && checked.without === undefined ? { ...checked, without: ["instance"] } : checked;
}

function checkLabels(value: unknown, name: string): void {
  const isLabel = (label: unknown): boolean =>
    typeof label === "string" && label !== "" && label !== "__name__" && label !== "le";
  if (Array.isArray(value) && value.every(isLabel)) return;
  throw unexpected(name, value, "a list of names of labels, without __name__ and le");
}

function checkChoices(
  value: unknown,
  { name, choices }: { readonly name: string; readonly choices: readonly string[] },
): void {
  if (isRecord(value) && Object.values(value).every((choice) => choices.some((each) => each === choice))) return;
  throw unexpected(
    name,
    value,
    `an object of ${listOf(choices.map((choice) => `"${choice}"`))}, by the name of the metric`,
  );
}

function checkStore(store: unknown): void {
  const isStore = typeof store === "object" && store !== null && "append" in store && "replace" in store;
  if (!isStore) throw unexpected("store", store, "memory(), file(), durableObject() or denoKv()");
}

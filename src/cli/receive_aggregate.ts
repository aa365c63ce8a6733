/**
 * The flags of `receive --aggregate`, which adds up the series of many senders.
 *
 * @module
 */
import { parseBoolean, parseList, parsePeriod, parseString } from "../config/option_parsers.ts";
import type { AggregatorOptions } from "../gateway/aggregator_options.ts";
import type { RemoteWriteAggregator } from "../gateway/remote_write_aggregator.ts";
import { file } from "../gateway/stores/file.ts";
import type { AggregatorStore } from "../gateway/stores/store.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { isOn } from "./command.ts";
import { lockFile } from "./file_lock.ts";
import { builtin } from "./runtime.ts";

const aggregateFlag: Flag = {
  flag: "aggregate",
  help: "Add up the series of all senders, and send one series for each set of labels (with --forward).",
  parse: parseBoolean,
};

/** The flags that need `--aggregate`. */
const otherFlags: readonly Flag[] = [
  {
    flag: "without",
    placeholder: "LABELS",
    help: "The labels that distinguish senders, with commas between them. They are removed.",
    default: "instance",
    parse: parseList,
  },
  {
    flag: "interval",
    placeholder: "DURATION",
    help: "How often the sums are sent.",
    default: "15s",
    parse: parsePeriod,
  },
  {
    flag: "state",
    placeholder: "DIR",
    help: "Keep the sums in this folder, so that they survive a restart.",
    parse: parseString,
  },
];

/** The flags of the aggregation. */
export const aggregateFlags: readonly Flag[] = [aggregateFlag, ...otherFlags];

/**
 * Returns the options of an aggregator; undefined without `--aggregate`.
 *
 * @throws ConfigurationError if a flag needs another one
 */
export function readAggregation(
  given: Arguments,
  { warn }: { readonly warn: (message: string) => void },
): AggregatorOptions | undefined {
  const { values } = given;
  if (!isOn(given, aggregateFlag.flag)) {
    const unused = otherFlags.find(({ flag }) => values.has(flag));
    if (unused === undefined) return undefined;
    throw new ConfigurationError(`Cannot use --${unused.flag}: nothing is added up, expected also --aggregate`);
  }
  if (!values.has("forward")) {
    throw new ConfigurationError("Cannot use --aggregate: the sums are not sent, expected also --forward URL");
  }
  const without = values.get("without");
  const intervalMs = values.get("interval");
  const folder = values.get("state");
  return {
    ...Array.isArray(without) && { without },
    ...typeof intervalMs === "number" && { intervalMs },
    ...typeof folder === "string" && { store: openState(folder, warn) },
  };
}

/** Reserves the folder of --state. @throws ConfigurationError if it cannot be used, or another process uses it */
function openState(folder: string, warn: (message: string) => void): AggregatorStore {
  const store = file({ fs: builtin("node:fs/promises"), folder, onWarning: warn });
  try {
    builtin("node:fs").mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = lockFile(`${folder}/aggregator`);
    return {
      read: () => store.read(),
      append: (record) => store.append(record),
      replace: (snapshot) => store.replace(snapshot),
      close: () => store.close().finally(() => lock.release()),
    };
  } catch (error) {
    throw cannotUseState(error);
  }
}

function cannotUseState(error: unknown): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  return new ConfigurationError(`Cannot use the folder of --state: ${reasonOf(error)}`);
}

/** Takes over the sums of an earlier process. @throws ConfigurationError if they cannot be read */
export async function openAggregator(aggregator: RemoteWriteAggregator): Promise<void> {
  try {
    await aggregator.open();
  } catch (error) {
    throw cannotUseState(error);
  }
}

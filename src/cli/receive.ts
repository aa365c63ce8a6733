/**
 * `receive`: the embedded receiver as a server, which shows what arrives.
 *
 * @module
 */
import { importFeatures } from "../config/import_features.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { type ForwarderReceiverOptions, RemoteWriteForwarder } from "../gateway/remote_write_forwarder.ts";
import { parseUrl } from "../config/option_parsers.ts";
import { createReceiver, type ReceivedWrite, type Violation } from "../receive/create_receiver.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { type Command, exitCodes } from "./command.ts";
import { commonFlags, isOn, logLevelOf, parseSwitch, wholeNumber } from "./flags.ts";
import { countOf, formatBytes } from "./format.ts";
import { Log } from "./log.ts";
import { forwardFlags, readOutputOptions } from "./output_options.ts";
import { ReceivedJson } from "./received_json.ts";
import { ReceivedTable } from "./received_table.ts";
import { builtin, exitNow, onSignal, serve, writeOut } from "./runtime.ts";
import { formatDelivered } from "./summary.ts";

const { setImmediate } = builtin("node:timers");

/** Prometheus's own port: senders find it without being told. */
const defaultPort = 9090;

const forwardFlag: Flag = {
  flag: "forward",
  placeholder: "URL",
  help: "Send what is valid on to this endpoint, through a bounded queue, with retries.",
  parse: parseUrl,
};

/** The command. */
export const receive: Command = {
  name: "receive",
  operands: "",
  summary: "Receive remote write over HTTP, show what arrives, and send it on if asked.",
  flags: [
    { flag: "host", placeholder: "ADDRESS", help: "Where to listen.", default: "127.0.0.1", parse: (text) => text },
    {
      flag: "port",
      placeholder: "NUMBER",
      help: "Where to listen; 0 takes a free port.",
      default: String(defaultPort),
      parse: wholeNumber(0, 65_535),
    },
    { flag: "strict", help: "Refuse what breaks a rule of the specification, and say which.", parse: parseSwitch },
    { flag: "cors", help: "Let pages of any origin send.", parse: parseSwitch },
    { flag: "json", help: "Print each sample as a line of JSON instead of a table at the end.", parse: parseSwitch },
    forwardFlag,
    ...commonFlags,
  ],
  options: forwardFlags,
  notes: `It ends at SIGINT or SIGTERM, and prints the table then. The options are those of --forward: a sender is
answered when the queue has taken what it sent, and 429 while the queue is full. An endpoint that is away is waited for
without end, unless --retry-deadline says otherwise; at the end, the queue is sent.`,
  run,
};

async function run(given: Arguments): Promise<number> {
  const log = new Log(logLevelOf(given));
  const json = isOn(given, "json") ? new ReceivedJson() : undefined;
  const table = new ReceivedTable();
  const receiving = {
    strict: isOn(given, "strict"),
    cors: isOn(given, "cors"),
    onViolation: ({ rule, message, series }: Violation): void =>
      log.say("warn", `${rule}: ${message}${series === undefined ? "" : ` (${series})`}`),
    onError: (error: unknown): void => log.say("error", reasonOf(error)),
    onWrite: async (write: ReceivedWrite): Promise<void> => {
      if (json === undefined) table.add(write.timeSeries);
      for (const piece of json?.format(write) ?? []) {
        await writeOut(piece);
        // A file is written at once, without a look at what else there is to do: other senders, and signals.
        await new Promise((resolve) => setImmediate(resolve));
      }
      log.say(json === undefined ? "info" : "debug", describe(write));
    },
  };
  // Before anybody is told where it listens: who stops it may be quick.
  const stopped = new Promise<void>((resolve) => {
    let stopping = false;
    onSignal((signal) => {
      if (stopping) exitNow(signal === "SIGINT" ? 130 : 143);
      stopping = true;
      resolve();
    });
  });
  const forwarder = createForwarder(given, { receiving, log });
  const handler = forwarder?.handle ?? createReceiver(receiving);
  const host = String(given.values.get("host") ?? "127.0.0.1");
  const server = await serve(handler, { host, port: Number(given.values.get("port") ?? defaultPort) }).catch(
    (error) => {
      log.say("error", `Cannot listen: ${reasonOf(error)}`);
    },
  );
  if (server === undefined) return exitCodes.usage;
  const url = `${server.url}/api/v1/write`;
  if (json === undefined) await writeOut(`Receiving at ${url}\n`);
  else log.say("info", `Receiving at ${url}`);
  await stopped;
  await server.close();
  const report = await forwarder?.close();
  if (json === undefined) await writeOut(table.format());
  if (report === undefined) return exitCodes.ok;
  log.say("info", formatDelivered(report));
  return report.delivered + report.unknown === report.samples ? exitCodes.ok : exitCodes.lost;
}

/** @throws ConfigurationError */
function createForwarder(
  given: Arguments,
  { receiving, log }: { readonly receiving: ForwarderReceiverOptions; readonly log: Log },
): RemoteWriteForwarder | undefined {
  const url = given.values.get(forwardFlag.flag);
  if (url === undefined) {
    const useless = forwardFlags.find(({ flag }) => given.values.has(flag));
    if (useless === undefined) return undefined;
    throw new ConfigurationError(
      `Cannot use --${useless.flag}: nothing is forwarded, expected --forward URL beside it`,
    );
  }
  const target = { ...given, values: new Map([...given.values, ["url", url]]) };
  const options = readOutputOptions(target, { warn: (message) => log.say("warn", message), forwards: true });
  return new RemoteWriteForwarder({ ...importFeatures(options), receiver: receiving });
}

function describe({ version, timeSeries, bodyBytes }: ReceivedWrite): string {
  const samples = timeSeries.reduce(
    (sum, series) => sum + (series.samples?.length ?? 0) + (series.histograms?.length ?? 0),
    0,
  );
  return `Remote write ${version}: ${timeSeries.length} series, ${countOf(samples, "sample")}, ${
    formatBytes(bodyBytes)
  }`;
}

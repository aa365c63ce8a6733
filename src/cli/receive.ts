/**
 * `receive`: the embedded receiver as a server, which shows what arrives.
 *
 * @module
 */
import { createReceiver, type ReceivedWrite } from "../receiver.ts";
import type { Arguments } from "./arguments.ts";
import { type Command, exitCodes } from "./command.ts";
import { commonFlags, isOn, logLevelOf, parseSwitch, wholeNumber } from "./flags.ts";
import { countOf, formatBytes } from "./format.ts";
import { Log } from "./log.ts";
import { formatJsonLines } from "./received_json.ts";
import { ReceivedTable } from "./received_table.ts";
import { exitNow, onSignal, serve, writeOut } from "./runtime.ts";

/** Prometheus's own port: senders find it without being told. */
const defaultPort = 9090;

/** The command. */
export const receive: Command = {
  name: "receive",
  operands: "",
  summary: "Receive remote write over HTTP and show what arrives.",
  options: [],
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
    ...commonFlags,
  ],
  notes: "It ends at SIGINT or SIGTERM, and prints the table then.",
  run,
};

async function run(given: Arguments): Promise<number> {
  const log = new Log(logLevelOf(given));
  const json = isOn(given, "json");
  const table = new ReceivedTable();
  const handler = createReceiver({
    strict: isOn(given, "strict"),
    cors: isOn(given, "cors"),
    onBreach: ({ clause, message }) => log.say("warn", `${clause}: ${message}`),
    onError: (error) => log.say("error", error instanceof Error ? error.message : String(error)),
    onWrite: async (write) => {
      if (json) await writeOut(formatJsonLines(write.timeSeries));
      else table.add(write.timeSeries);
      log.say(json ? "debug" : "info", describe(write));
    },
  });
  const host = String(given.values.get("host") ?? "127.0.0.1");
  const server = await serve(handler, { host, port: Number(given.values.get("port") ?? defaultPort) }).catch(
    (error) => {
      log.say("error", `Cannot listen: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  if (server === undefined) return exitCodes.usage;
  const url = `${server.url}/api/v1/write`;
  if (json) log.say("info", `Receiving at ${url}`);
  else await writeOut(`Receiving at ${url}\n`);
  await new Promise<void>((resolve) => {
    let stopping = false;
    onSignal((signal) => {
      if (stopping) exitNow(signal === "SIGINT" ? 130 : 143);
      stopping = true;
      resolve();
    });
  });
  await server.close();
  if (!json) await writeOut(table.format());
  return exitCodes.ok;
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

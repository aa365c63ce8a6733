/**
 * The command `receive`: an HTTP server with the embedded receiver. It shows what arrives, and can forward it.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { RemoteWriteAggregator } from "../gateway/remote_write_aggregator.ts";
import { type ForwarderReceiverOptions, RemoteWriteForwarder } from "../gateway/remote_write_forwarder.ts";
import { parseBoolean, parseUrl } from "../config/option_parsers.ts";
import { k6TextOptions } from "../config/text_options.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import { quote } from "../model/printable.ts";
import type { ReceivedWrite } from "../receive/receiver_options.ts";
import type { Violation } from "../receive/rules/rules.ts";
import { strictRules } from "../receive/rules/strict_rules.ts";
import { type Arguments, type Flag, parseArguments } from "./arguments.ts";
import { type Command, commonFlags, exitCodes, isOn, openLog, signalExitCodes } from "./command.ts";
import { countOf, formatBytes } from "./format.ts";
import { withBrackets, withoutBrackets } from "./host_name.ts";
import { serve } from "./http_server.ts";
import { liveFlags, liveLimits, parsePort, uiFlag } from "./live/live_flags.ts";
import { LivePage } from "./live/live_page.ts";
import { LiveStore } from "./live/live_store.ts";
import { openBrowser } from "./live/open_browser.ts";
import type { Log } from "./log.ts";
import { forwardFlags, readOutputOptions } from "./output_options.ts";
import { ReceivedJson } from "./received_json.ts";
import { ReceivedTable } from "./received_table.ts";
import { print } from "./print.ts";
import { accessFlags, readAccess } from "./receive_access.ts";
import { aggregateFlags, openAggregator, readAggregation } from "./receive_aggregate.ts";
import { reportFlag, reportPaths, writeReports } from "./report/report.ts";
import { builtin, exitNow, onSignal } from "./runtime.ts";
import { type CommandSpool, openSpool } from "./spool.ts";
import { formatDelivered } from "./summary.ts";

const { setImmediate } = builtin("node:timers");

/** Prometheus's own port, which senders use by default. */
const defaultPort = 9090;
const defaultHost = "127.0.0.1";

const forwardFlag: Flag = {
  flag: "forward",
  placeholder: "URL",
  help: "Forward valid samples to this endpoint, through a bounded queue, with retries.",
  parse: parseUrl,
};

/** The credentials of the target. `--user` and `--password` are those of the senders. */
const targetCredentials: readonly string[] = ["user", "password"];
const targetFlags: readonly Flag[] = forwardFlags.map((each) =>
  targetCredentials.includes(each.flag) ? { ...each, flag: `forward-${each.flag}` } : each
);

export const receive: Command = {
  name: "receive",
  operands: "",
  summary: "Receive remote write over HTTP, and show or forward what arrives.",
  flags: [
    {
      flag: "host",
      placeholder: "ADDRESS",
      help: "The address to listen on.",
      default: defaultHost,
      parse: withoutBrackets,
    },
    {
      flag: "port",
      placeholder: "NUMBER",
      help: "The port to listen on; 0 chooses a free port.",
      default: String(defaultPort),
      parse: parsePort,
    },
    {
      flag: "strict",
      help: "Reject what violates a rule of the specification, and name the rule.",
      parse: parseBoolean,
    },
    { flag: "cors", help: "Allow web pages of any origin to send.", parse: parseBoolean },
    { flag: "json", help: "Print each sample as a line of JSON instead of a table at the end.", parse: parseBoolean },
    uiFlag("Serve the live page at /.", true),
    ...liveFlags,
    reportFlag,
    ...accessFlags,
    forwardFlag,
    ...aggregateFlags,
    ...commonFlags,
  ],
  options: targetFlags,
  parse: parseReceiveArguments,
  examples: [
    "k6-remote-write receive",
    'k6-remote-write receive --host 0.0.0.0 --token "$TOKEN" --forward https://prometheus.example.com/api/v1/write',
  ],
  notes: `It ends at SIGINT or SIGTERM, and then prints the table.
The options are for --forward. A sender gets its response when the queue has accepted its samples, and status 429 while the queue \
is full. If the endpoint does not respond, it is tried again without end, unless --retry-deadline sets a limit. At the end, the \
queue is sent.
With --aggregate, a sender gets its response when its samples are part of the sums, and in the folder of --state. The sums are \
sent at each --interval and at the end.`,
  run,
};

async function run(given: Arguments): Promise<number> {
  const log = openLog(given);
  const json = isOn(given, "json") ? new ReceivedJson() : undefined;
  const table = new ReceivedTable();
  const host = String(given.values.get("host") ?? defaultHost);
  const port = Number(given.values.get("port") ?? defaultPort);
  const { receiver, tls, maxConnections, warning } = readAccess(given, host);
  // A browser cannot send a bearer token, but it asks for a name and a password.
  const isReachable = receiver.token === undefined || receiver.user !== undefined;
  const hasPage = isReachable && given.values.get("ui") !== false;
  const reports = reportPaths(given);
  const store = hasPage || reports.length > 0 ? new LiveStore(liveLimits(given)) : undefined;
  const receiving = {
    ...receiver,
    strict: isOn(given, "strict") ? strictRules() : undefined,
    cors: isOn(given, "cors"),
    onViolation: ({ rule, message, series }: Violation): void =>
      log.say("warn", `${rule}: ${message}${series === undefined ? "" : ` (${series})`}`),
    onError: (error: unknown): void => log.say("error", reasonOf(error)),
    onWrite: async (write: ReceivedWrite): Promise<void> => {
      if (json === undefined) table.add(write.timeSeries);
      store?.add(write.timeSeries, write.metadata);
      for (const chunk of json?.format(write) ?? []) {
        await print(chunk);
        // Writing to a file never waits, so other senders and signals need a turn of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
      }
      log.say(json === undefined ? "info" : "debug", describe(write));
    },
  };
  // Handle signals before the address is printed: a signal may follow at once.
  const stopped = new Promise<void>((resolve) => {
    let stopping = false;
    onSignal((signal) => {
      if (stopping) exitNow(signalExitCodes[signal]);
      stopping = true;
      resolve();
    });
  });
  const { forwarder, spool, failsOnLoss } = createForwarder(given, { receiving, log });
  if (forwarder instanceof RemoteWriteAggregator) await openAggregator(forwarder);
  if (warning !== undefined) log.say("warn", warning);
  const page = store !== undefined && hasPage
    ? new LivePage(store, { title: "receive", fromStart: false, access: receiver })
    : undefined;
  const receive = forwarder?.handle ?? createReceiver(receiving);
  const handler = withHostAdvice(async (request) => await page?.handle(request) ?? await receive(request), log);
  const server = await serve(handler, { host, port, tls, maxConnections }).catch((error) => {
    page?.close();
    throw new ConfigurationError(
      `Cannot listen on ${withBrackets(host)}:${port}: ${reasonOf(error)}; --host and --port choose another address`,
    );
  });
  const url = `${server.url}/api/v1/write`;
  if (json === undefined) await print(`Receiving at ${url}\n`);
  else log.say("info", `Receiving at ${url}`);
  if (page !== undefined) log.say("info", `Live page: ${server.url}/`);
  if (!isReachable) log.say("info", "There is no live page: a browser cannot send --token, but --user and --password.");
  if (page !== undefined && isOn(given, "open") && !await openBrowser(`${server.url}/`)) {
    log.say("warn", `Cannot open a browser. The page is at ${server.url}/`);
  }
  await stopped;
  page?.close();
  await server.close();
  const report = await forwarder?.close();
  if (json === undefined) await print(table.format());
  let isReported = true;
  if (store !== undefined) {
    const run = { store, title: "receive", createdMs: Date.now(), fromStart: false, delivery: report };
    const problems = await writeReports(reports, run);
    for (const problem of problems) log.say("error", problem);
    if (problems.length === 0) { for (const path of reports) log.say("info", `Report: ${path}`); }
    isReported = problems.length === 0;
  }
  if (report === undefined) return isReported ? exitCodes.ok : exitCodes.lost;
  log.say("info", formatDelivered(report, spool));
  const isDelivered = report.delivered + report.unknown === report.samples || !failsOnLoss;
  return isDelivered && isReported ? exitCodes.ok : exitCodes.lost;
}

/** Says once that a request was refused because of its host. The sender sees why, but the user of this command can help. */
function withHostAdvice(handler: (request: Request) => Promise<Response>, log: Log): typeof handler {
  let said = false;
  return async (request) => {
    const response = await handler(request);
    if (response.status === 403 && !said) {
      said = true;
      const { hostname } = new URL(request.url);
      log.say("warn", `Refused a request to the host ${quote(hostname)}. To accept such requests, use --allow-host.`);
    }
    return response;
  };
}

/** @throws ConfigurationError also for an option of the other commands, which this command cannot have */
function parseReceiveArguments(args: readonly string[], flags: readonly Flag[]): Arguments {
  const names = args.map((argument) => argument.split("=", 1)[0]);
  const other = k6TextOptions.find(({ flag }) =>
    flags.every((own) => own.flag !== flag) && (names.includes(`--${flag}`) || names.includes(`--no-${flag}`))
  );
  if (other === undefined) return parseArguments(args, flags);
  throw new ConfigurationError(
    `Cannot use --${other.flag}: receive shows and forwards series as they are, expected it with send or run`,
  );
}

/**
 * Returns a forwarder or an aggregator for `--forward`; undefined without it. Also says whether a loss is a failure of the command.
 *
 * @throws ConfigurationError if an option needs --forward, or cannot be used
 */
function createForwarder(
  given: Arguments,
  { receiving, log }: { readonly receiving: ForwarderReceiverOptions; readonly log: Log },
): {
  readonly forwarder?: RemoteWriteForwarder | RemoteWriteAggregator;
  readonly spool?: CommandSpool | undefined;
  readonly failsOnLoss: boolean;
} {
  const warn = (message: string): void => log.say("warn", message);
  const aggregation = readAggregation(given, { warn });
  const url = given.values.get(forwardFlag.flag);
  if (url === undefined) {
    const unused = targetFlags.find(({ flag }) => given.values.has(flag));
    if (unused === undefined) return { failsOnLoss: true };
    throw new ConfigurationError(`Cannot use --${unused.flag}: nothing is forwarded, expected also --forward URL`);
  }
  const credentials = targetCredentials.map((flag): [string, unknown] => [flag, given.values.get(`forward-${flag}`)]);
  const others = [...given.values].filter(([flag]) => !targetCredentials.includes(flag));
  const known = credentials.filter(([, value]) => value !== undefined);
  const target = { ...given, values: new Map([...others, ...known, ["url", url]]) };
  const { raw, options, failsOnLoss } = readOutputOptions(target, { warn, forwards: true });
  if (aggregation !== undefined) {
    if (raw.spoolFolder !== undefined) {
      throw new ConfigurationError(
        "Cannot use --spool: --aggregate keeps its sums in the folder of --state, expected --state DIR",
      );
    }
    return {
      forwarder: new RemoteWriteAggregator({ ...options, ...aggregation, receiver: receiving }),
      failsOnLoss,
    };
  }
  const spool = openSpool(raw, log);
  return {
    forwarder: new RemoteWriteForwarder({ ...options, spool: spool?.spool, receiver: receiving }),
    spool,
    failsOnLoss,
  };
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

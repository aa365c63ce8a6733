/**
 * The command `verdict`: queries the endpoint for the results of all instances of a run, and judges them.
 *
 * @module
 */
import { clientOptionDefinitions, type ClientOptions, resolveClientOptions } from "../../client/client_options.ts";
import { k6OptionDefinitions, type RemoteWriteOutputOptions } from "../../k6/output/output_options.ts";
import { ConfigurationError, reasonOf } from "../../model/errors.ts";
import { validMetricName } from "../../model/labels.ts";
import type { Arguments } from "../arguments.ts";
import { type Command, openLog } from "../command.ts";
import { countOf } from "../format.ts";
import type { Log } from "../log.ts";
import { readOutputOptions } from "../output_options.ts";
import { print } from "../print.ts";
import { builtin } from "../runtime.ts";
import { problemsOf, waitForInstances } from "./expected_instances.ts";
import { formatResults } from "./format_results.ts";
import { judgeGate, type Judgement, judgeSentThresholds, judgeThresholds } from "./judgement.ts";
import type { Extent } from "./promql.ts";
import { QueryClient, QueryError } from "./query_client.ts";
import { queryApiOfQueryUrl, queryApiOfWriteUrl } from "./query_url.ts";
import {
  extentOf,
  findEnds,
  findInstances,
  findLatestRun,
  type InstanceState,
  type RunSelection,
} from "./run_instances.ts";
import { RunReader } from "./run_reader.ts";
import { mixedMetrics, otherMapping } from "./stored_metrics.ts";
import { compareValues, type Comparison, exitCodeOf, type RunVerdict, verdictExitCodes } from "./run_verdict.ts";
import {
  endpointArguments,
  endpointFlags,
  readVerdictArguments,
  type VerdictArguments,
  verdictFlags,
} from "./verdict_arguments.ts";
import { formatJson } from "../report/results_report.ts";
import { compareRunWindows } from "./run_windows.ts";

export const verdict: Command = {
  name: "verdict",
  operands: "",
  summary: "Query the results of all instances of a run, and judge them by thresholds.",
  flags: verdictFlags,
  options: endpointFlags,
  examples: ["k6-remote-write verdict --testid nightly-17 --expect 4 --url http://localhost:9090/api/v1/write"],
  notes:
    `It prints one summary over all instances of a test, as k6 does for one. Counters, rates and histograms add up (send \
trends with --trend-as native or histogram). Percentiles that were sent as numbers do not add up, and are never shown as if they \
did.
Exit codes: 0 all thresholds passed, 99 a threshold or a gate was crossed, 2 something could not be answered: a missing metric, a \
silent instance, a query that failed, or wrong usage.`,
  run: (given) => new Verdict(given).run(),
};

/** Samples may be a little ahead of this machine's clock. */
const aheadMs = 60_000;

/** One run of the command. */
class Verdict {
  readonly #args: VerdictArguments;
  readonly #log: Log;
  readonly #client: QueryClient;
  readonly #testid: string;
  readonly #prefix: string;
  readonly #saidEarlier = new Set<string>();
  readonly #sleep: ReturnType<typeof resolveClientOptions>["sleep"];

  constructor(given: Arguments) {
    this.#args = readVerdictArguments(given);
    this.#log = openLog(given);
    const { options } = readOutputOptions(endpointArguments(given), {
      warn: (message) => this.#log.say("warn", message),
      debug: this.#log.debug,
    });
    const { queryUrl, testid = testidOf(options) } = this.#args;
    if (testid === undefined) {
      throw new ConfigurationError("Cannot judge a run: there is no testid, expected --testid ID");
    }
    this.#testid = testid;
    const { prefix = k6OptionDefinitions.prefix.default } = options;
    this.#prefix = prefix === "" ? "" : validMetricName(prefix);
    const { url = clientOptionDefinitions.url.default, endpoints } = options;
    if (endpoints !== undefined) {
      throw new ConfigurationError(
        `Cannot judge a run: the options contain a list of ${
          countOf(endpoints.length, "endpoint")
        }, expected one URL: as --url, or as ` +
          "url in the file of --config",
      );
    }
    const { sleep, ...resolved } = resolveClientOptions(clientOptionsOf(options));
    this.#sleep = sleep;
    const api = queryUrl === undefined ? queryApiOfWriteUrl(url) : queryApiOfQueryUrl(queryUrl);
    this.#client = new QueryClient({ ...resolved, sleep, now: Date.now, url: api });
  }

  async run(): Promise<number> {
    try {
      const verdict = await this.#judge();
      if (verdict === undefined) return verdictExitCodes.unanswered;
      await print(this.#args.json ? formatJson(verdict) : formatResults(verdict));
      for (const [path, format] of Object.entries(this.#args.reports)) writeReport(path, format(verdict));
      return exitCodeOf(verdict);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      this.#log.say("error", `${error.message}; --query-url and the options of the endpoint choose another one`);
      return verdictExitCodes.unanswered;
    }
  }

  async #judge(): Promise<RunVerdict | undefined> {
    const { expect, against, thresholds } = this.#args;
    const run = this.#selectionOf(this.#testid);
    const instances = expect === undefined ? await this.#look(run) : await this.#wait(run, expect);
    const extent = this.#extentOf(instances);
    if (extent === undefined) return this.#sayMissing(this.#testid);
    const reader = await this.#open(run, extent);
    const readings = [];
    for (const metric of reader.metrics) readings.push(await reader.read(metric));
    const judged = thresholds === undefined
      ? await judgeSentThresholds(await reader.thresholds(), reader)
      : await judgeThresholds(thresholds, reader);
    let comparison: Comparison | undefined;
    if (against !== undefined) {
      comparison = await this.#compare(reader, against);
      if (comparison === undefined) return this.#sayMissing(against);
    }
    return {
      title: this.#testid,
      testid: this.#testid,
      endpoint: this.#client.endpoint,
      extent,
      durationMs: reader.durationMs,
      instances,
      problems: [
        ...problemsOf(instances, { expect, nowMs: Date.now() }),
        ...mixedMetrics(reader.metrics).map((name) =>
          `${name} was sent in several forms, so no form has all of its values. Use the same --trend-as for all instances.`
        ),
      ],
      readings: readings.filter((reading) => reading !== undefined),
      checks: await reader.checks(),
      thresholds: judged,
      areThresholdsSent: thresholds === undefined,
      comparison,
    };
  }

  async #compare(current: RunReader, testid: string): Promise<Comparison | undefined> {
    const { gates } = this.#args;
    const run = this.#selectionOf(testid);
    const within = { startMs: Date.now() - this.#args.lookbackMs, endMs: Date.now() + aheadMs };
    const { instances, hasEarlier } = await findLatestRun(this.#client, run, within);
    if (hasEarlier) this.#sayEarlier(testid);
    const extent = extentOf(instances);
    if (extent === undefined) return undefined;
    const baseline = await this.#open(run, extent);
    const values = await compareValues(current, baseline);
    if (gates.length > 0) {
      const judged: Judgement[] = [];
      for (const gate of gates) judged.push(await judgeGate(gate, { current, baseline }));
      return { testid, extent, durationMs: baseline.durationMs, values, gates: judged };
    }
    const { judgement, windows } = await compareRunWindows(current, baseline);
    return { testid, extent, durationMs: baseline.durationMs, values, gates: [judgement], windows };
  }

  async #wait(run: RunSelection, expect: number): Promise<readonly InstanceState[]> {
    const { timeoutMs } = this.#args;
    let said = "";
    try {
      return await waitForInstances({
        ...{ expect, timeoutMs, now: Date.now, sleep: this.#sleep },
        look: () => this.#look(run),
        onLook: (states) => {
          const open = states.filter(({ ended }) => !ended).map(({ name }) => name);
          const waiting = open.length === 0 ? "" : `; waiting for ${open.join(", ")}`;
          const line = `${states.length - open.length} of ${countOf(expect, "instance")} ended${waiting}`;
          if (line !== said) this.#log.say("debug", line);
          said = line;
          this.#log.progress(line);
        },
      });
    } finally {
      this.#log.progress("");
    }
  }

  /** Returns the instances of the run at present. */
  async #look(run: RunSelection): Promise<InstanceState[]> {
    const nowMs = Date.now();
    const { startMs = nowMs - this.#args.lookbackMs, endMs = nowMs + aheadMs } = this.#args;
    const { instances, hasEarlier } = this.#args.startMs === undefined
      ? await findLatestRun(this.#client, run, { startMs, endMs })
      : { instances: await findInstances(this.#client, run, { startMs, endMs }), hasEarlier: false };
    if (hasEarlier) this.#sayEarlier(this.#testid);
    return await findEnds(this.#client, run, { instances, nowMs });
  }

  #extentOf(instances: readonly InstanceState[]): Extent | undefined {
    const found = extentOf(instances);
    const { startMs = found?.startMs, endMs = found?.endMs } = this.#args;
    return found === undefined || startMs === undefined || endMs === undefined ? undefined : { startMs, endMs };
  }

  /** @throws ConfigurationError if the run was sent in a way that has no verdict */
  async #open(run: RunSelection, extent: Extent): Promise<RunReader> {
    const { metricTypes: known } = this.#args;
    const isStartKnown = this.#args.startMs !== undefined && extent.startMs === this.#args.startMs;
    const reader = await RunReader.open(this.#client, { run, extent, known, isStartKnown });
    const other = otherMapping(reader.metrics, known);
    if (other === undefined) return reader;
    const { mapping, names: [first, ...more] } = other;
    throw new ConfigurationError(
      `Cannot judge testid="${run.matchers.testid}": it was sent with --mapping ${mapping}, whose values of ${first}${
        more.length === 0 ? "" : ` and ${countOf(more.length, "other metric")}`
      } do not add up. Send with --mapping prometheus, the default.`,
    );
  }

  #selectionOf(testid: string): RunSelection {
    return { matchers: { testid }, instanceLabel: this.#args.instanceLabel, prefix: this.#prefix };
  }

  #sayEarlier(testid: string): void {
    if (this.#saidEarlier.has(testid)) return;
    this.#saidEarlier.add(testid);
    this.#log.say(
      "warn",
      `Several runs have testid="${testid}", with gaps between them: the latest is used. --start and --end choose another.`,
    );
  }

  #sayMissing(testid: string): undefined {
    this.#log.say(
      "error",
      `${this.#client.endpoint} has no series ${this.#prefix}* with testid="${testid}" in the time that was searched. ` +
        "--lookback, --start and --end choose another time, --prefix other names.",
    );
  }
}

/** Returns the testid that the options of the endpoint contain. */
function testidOf({ testid, labels }: RemoteWriteOutputOptions): string | undefined {
  return testid === "auto" ? undefined : testid ?? labels?.testid;
}

/** Returns the options of a client, without those of an output. */
function clientOptionsOf(options: RemoteWriteOutputOptions): ClientOptions {
  const { url, user, password, bearerToken, auth, headers, timeoutMs, fetch, onWarning } = options;
  return { url, user, password, bearerToken, auth, headers, timeoutMs, fetch, onWarning };
}

function writeReport(path: string, content: string): void {
  try {
    builtin("node:fs").writeFileSync(path, content);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot write the report "${path}": ${reasonOf(error)}, expected a path that can be written`,
    );
  }
}

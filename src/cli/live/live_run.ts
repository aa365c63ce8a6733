/**
 * The live page and the reports of a command that makes series itself: `run` and `send`.
 *
 * @module
 */
import type { RawOptions } from "../../config/raw_options.ts";
import { outputOptionDefinitions, type RemoteWriteOutputOptions } from "../../k6/output/output_options.ts";
import { runInfo } from "../../k6/run_metrics/run_info.ts";
import type { RunMetrics } from "../../k6/run_metrics/run_metrics.ts";
import { parseThresholdGroups, thresholds } from "../../k6/run_metrics/thresholds.ts";
import type { Sample } from "../../k6/sample.ts";
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { ConfigurationError, reasonOf } from "../../model/errors.ts";
import type { TimeSeries } from "../../model/time_series.ts";
import type { Arguments } from "../arguments.ts";
import { isOn } from "../command.ts";
import { serve, type Server } from "../http_server.ts";
import type { Log } from "../log.ts";
import { reportPaths, type RunReport, useSamples, writeReports } from "../report/report.ts";
import { SampleResults } from "../report/sample_results.ts";
import { liveLimits } from "./live_flags.ts";
import { LivePage } from "./live_page.ts";
import { LiveStore } from "./live_store.ts";
import { openBrowser } from "./open_browser.ts";

/** The port of k6's own dashboard, which most users of k6 know. */
const defaultPort = 5665;
const host = "127.0.0.1";

/** What a run shows, and to whom it is sent. */
export interface LiveRunOptions {
  /** The files whose names are shown: the script, or the recorded files. */
  readonly files: readonly string[];
  /** Whether the user asked for an output by its name, which then has its default endpoint. @default false */
  readonly namesOutput?: boolean;
  /** The options as they were given, from all sources. */
  readonly raw: RawOptions;
  /** Whether the run begins when the command does, so that it is known when. @default false */
  readonly startsRun?: boolean;
  /** Whether k6 aggregates, so that nothing can be computed from single samples. @default false */
  readonly isLight?: boolean;
  readonly log: Log;
}

/** The page and the reports of one run. */
export class LiveRun {
  /** Whether the run has no other endpoint than the page and the reports. */
  readonly sendsNowhere: boolean;
  readonly #given: Arguments;
  readonly #options: LiveRunOptions;
  readonly #reports: readonly string[];
  readonly #store: LiveStore;
  /** For the reports; k6's own aggregation leaves no samples. */
  readonly #samples: SampleResults | undefined;
  /** Watches what k6 tells about thresholds, which are shown also if they are not sent. */
  readonly #thresholds: RunMetrics | undefined;
  #prefix: string = outputOptionDefinitions.prefix.default;
  #testid: string | undefined;
  #startMs: number | undefined;
  #server: Server | undefined;
  #page: LivePage | undefined;

  /** Returns undefined if the arguments ask for neither a page nor a report. @throws ConfigurationError */
  static from(given: Arguments, options: LiveRunOptions): LiveRun | undefined {
    const reports = reportPaths(given);
    if (isOn(given, "ui") || reports.length > 0) return new LiveRun(given, { ...options, reports });
    const unused = ["port", "open"].find((flag) => given.values.has(flag));
    if (unused === undefined) return undefined;
    throw new ConfigurationError(`Cannot use --${unused}: there is no live page, expected also --ui`);
  }

  private constructor(given: Arguments, options: LiveRunOptions & { readonly reports: readonly string[] }) {
    this.#given = given;
    this.#options = options;
    this.#reports = options.reports;
    this.#store = new LiveStore(liveLimits(given));
    const { url, endpoints } = options.raw;
    this.sendsNowhere = url === undefined && endpoints === undefined && options.namesOutput !== true;
    const groups = parseThresholdGroups(typeof options.raw.thresholds === "object" ? options.raw.thresholds : {});
    if (options.isLight === true) return;
    if (useSamples(this.#reports)) this.#samples = new SampleResults(groups);
    if (options.raw.thresholds !== undefined) return;
    this.#thresholds = thresholds()({ onWarning: (message) => options.log.say("debug", message) });
  }

  /** Names without their folders: a report may be given to others. */
  get #title(): string {
    const names = this.#options.files.map((path) => path === "-" ? "standard input" : path.split(/[\\/]/).at(-1) ?? "");
    return names.join(", ");
  }

  /** Returns the options of an output whose series are shown. */
  outputOptions(options: RemoteWriteOutputOptions): RemoteWriteOutputOptions {
    this.#testid = options.testid;
    this.#prefix = options.prefix ?? this.#prefix;
    const shown: RemoteWriteOutputOptions = { ...options, onTimeSeries: (timeSeries) => this.#show(timeSeries) };
    if (!this.sendsNowhere) return shown;
    const { raw } = this.#options;
    const choosesTrends = [raw.mapping, raw.trendAs, raw.trendStats, raw.trendWindow, raw.maxExactValues]
      .some((value) => value !== undefined);
    return {
      ...shown,
      url: "http://localhost/",
      fetch: () => Promise.resolve(new Response(null, { status: 204 })),
      protocol: "1.0",
      // Of histograms, the page can compute the percentiles of any time and of several series.
      ...!choosesTrends && { trendAs: "native" },
      ...raw.runInfo === undefined && { runInfo: runInfo() },
    };
  }

  /** Begins to serve the page, if there is one. @throws ConfigurationError if that is not possible */
  async open(): Promise<void> {
    const { log } = this.#options;
    const { values } = this.#given;
    if (this.#options.startsRun === true) this.#startMs = Date.now();
    if (this.sendsNowhere) {
      log.say("info", "There is no --url, so the results are sent nowhere: they are only shown.");
    }
    if (!isOn(this.#given, "ui")) return;
    const access = { allowHosts: [host, "localhost", "[::1]"] };
    const shown = { title: this.#title, fromStart: true, startMs: this.#startMs };
    const page = this.#page = new LivePage(this.#store, { ...shown, access });
    const handler = async (request: Request): Promise<Response> =>
      await page.handle(request) ?? new Response("Cannot find this path\n", { status: 404 });
    const given = values.get("port");
    const listen = (port: number): Promise<Server> => serve(handler, { host, port, maxConnections: 200 });
    // Several runs may be on one machine.
    const server = this.#server = await listen(Number(given ?? defaultPort))
      .catch((error) => given === undefined ? listen(0) : Promise.reject(error))
      .catch((error) => {
        page.close();
        throw new ConfigurationError(
          `Cannot listen on ${host}:${given ?? defaultPort}: ${reasonOf(error)}; --port chooses another port`,
        );
      });
    log.say("info", `Live page: ${server.url}/`);
    if (isOn(this.#given, "open") && !await openBrowser(`${server.url}/`)) {
      log.say("warn", `Cannot open a browser. The page is at ${server.url}/`);
    }
  }

  /** Adds samples that the output gets. */
  add(samples: readonly Sample[]): void {
    this.#samples?.add(samples);
    if (this.#thresholds !== undefined) { for (const sample of samples) this.#thresholds.add(sample); }
    const [first] = samples;
    if (first !== undefined && this.#options.startsRun !== true) {
      this.#startMs = Math.min(this.#startMs ?? Infinity, first.time);
    }
  }

  #show(timeSeries: readonly TimeSeries[]): void {
    this.#store.add(timeSeries);
    this.#testid = timeSeries[0]?.labels.find(({ name }) => name === "testid")?.value ?? this.#testid;
    this.#showThresholds(this.#thresholds?.take());
  }

  /** Adds samples of thresholds to what is shown, as series of the run. */
  #showThresholds(samples: readonly Sample[] = []): void {
    this.#store.add(samples.map(({ metric, time, value, tags }) => {
      const labels = { __name__: `${this.#prefix}${metric.name}`, testid: this.#testid ?? "", ...tags };
      return {
        labels: Object.entries(labels).map(([name, value]) => ({ name, value: String(value) })),
        samples: [{ timestamp: time, value }],
      };
    }));
  }

  /**
   * Ends the page, and writes the reports. Returns false if one of them could not be written.
   *
   * @param ending how k6 ended, and whether only a part of the results was read
   */
  async close(delivery: DeliveryReport, ending: Pick<RunReport, "end" | "isPart">): Promise<boolean> {
    const { log } = this.#options;
    this.#showThresholds(this.#thresholds?.verdicts());
    this.#page?.close();
    await this.#server?.close();
    const problems = await writeReports(this.#reports, {
      store: this.#store,
      samples: this.#samples,
      testid: this.#testid,
      startMs: this.#startMs,
      prefix: this.#options.raw.prefix,
      title: this.#title,
      createdMs: Date.now(),
      fromStart: true,
      isLight: this.#options.isLight,
      delivery: this.sendsNowhere ? undefined : delivery,
      ...ending,
    });
    for (const problem of problems) log.say("error", problem);
    if (problems.length === 0) { for (const path of this.#reports) log.say("info", `Report: ${path}`); }
    return problems.length === 0;
  }

  /** The endpoint as the summary shows it, if there is none. */
  static readonly nowhere = "the page and the reports only (there is no --url)";
}

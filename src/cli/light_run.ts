/**
 * What `run --light` does instead of reading k6's JSON: k6 aggregates, its own output sends the series to this process, and this
 * process delivers them.
 *
 * @module
 */
import type { RawOptions } from "../config/raw_options.ts";
import { outputOptionDefinitions, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { type K6ReadStats, noSkips } from "../k6/read/k6_reader.ts";
import type { Sample } from "../k6/sample.ts";
import { parseTrendStats } from "../k6/sinks/trend_stats.ts";
import { checkLightOptions, type K6Start, lightOutputOptions, lightStart } from "./light_options.ts";
import { type LightReceiver, openLightReceiver } from "./light_receiver.ts";
import { LightSeries } from "./light_series.ts";
import { countOf } from "./format.ts";

/** What a run needs from its command. */
interface LightRunOptions {
  /** The options as they were given, from all sources. */
  readonly raw: RawOptions;
  /** The options for the library, with the testid. */
  readonly options: RemoteWriteOutputOptions;
  /** Receives what the user should know. The same message may come again. */
  warn(message: string): void;
  /** Called with the samples of each request, before the output gets them. Their values have no meaning. */
  onSamples(samples: readonly Sample[]): void;
}

/** The results of one k6, from its own output. */
export class LightRun {
  /** The options of the output to which the results go. */
  readonly outputOptions: RemoteWriteOutputOptions;
  readonly #options: LightRunOptions;
  readonly #series: LightSeries;
  readonly #warned = new Set<string>();
  #receiver: LightReceiver | undefined;
  #samples = 0;
  #bytes = 0;

  /** @throws ConfigurationError for an option that needs every sample */
  constructor(options: LightRunOptions) {
    checkLightOptions(options.raw);
    const { prefix, keepNameTag, labels = {}, instance, testid, trendStats } = options.options;
    if (trendStats !== undefined) parseTrendStats(trendStats);
    this.#options = options;
    this.#series = new LightSeries({
      prefix: prefix ?? outputOptionDefinitions.prefix.default,
      keepNameTag: keepNameTag ?? outputOptionDefinitions.keepNameTag.default,
      labels: { ...labels, ...instance !== undefined && { instance }, ...testid !== undefined && { testid } },
      trendStats,
      warn: (message) => this.#warn(message),
    });
    this.outputOptions = { ...lightOutputOptions(options.options), mapping: this.#series.mapping };
  }

  /** Starts the receiver to which k6 sends its results. @throws ConfigurationError if no port is free */
  async listen(output: RemoteWriteOutput): Promise<void> {
    this.#receiver = await openLightReceiver({
      onWrite: ({ timeSeries, bodyBytes }) => {
        const samples = this.#series.samplesOf(timeSeries);
        this.#options.onSamples(samples);
        this.#samples += samples.length;
        this.#bytes += bodyBytes;
        output.add(samples);
        // k6's interval is the flush period.
        void output.flush();
      },
      onUnreadable: (reason) => this.#warn(`A request of k6 was not taken: ${reason}`),
    });
  }

  /** Returns k6's arguments and environment with its own output, which sends to this process. */
  start(start: K6Start): K6Start {
    return lightStart(start, { url: this.#receiver?.url ?? "", options: this.#options.options });
  }

  /** Whether something of k6's results could not be taken. */
  get isUnreadable(): boolean {
    return (this.#receiver?.unreadable ?? 0) > 0;
  }

  /** What was taken so far: each sample of a series counts as a line. */
  get stats(): K6ReadStats {
    return {
      bytes: this.#bytes,
      lines: this.#samples,
      samples: this.#samples,
      skipped: noSkips(),
      unknownMetrics: [],
      invalidUtf8: 0,
    };
  }

  /** What was taken so far, for the summary. */
  get received(): string {
    return `${countOf(this.#samples, "sample")} of series in ${
      countOf(this.#receiver?.requests ?? 0, "request")
    } of k6`;
  }

  /** Stops the receiver: k6 can send no more results. */
  async close(): Promise<void> {
    await this.#receiver?.close();
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.warn(message);
  }
}

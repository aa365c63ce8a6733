/**
 * Sends the metrics of an OpenTelemetry SDK with remote write. It depends on nothing of OpenTelemetry: `RemoteWriteMetricExporter` has
 * the methods of a `PushMetricExporter` of `@opentelemetry/sdk-metrics` (versions 1, 2 and 3).
 *
 * @example
 * ```ts
 * import { RemoteWriteMetricExporter } from "k6-remote-write/opentelemetry";
 *
 * const exporter = new RemoteWriteMetricExporter({ url: "http://localhost:9090/api/v1/write" });
 * // import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
 * // new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
 * await exporter.shutdown(); // MeterProvider.shutdown() calls it
 * ```
 *
 * @module
 */
import {
  clientOptionDefinitions,
  type ClientOptions,
  guarded,
  type OptionalClientOption,
} from "../client/client_options.ts";
import { checkOptions, type OptionDefinitions } from "../client/option_definition.ts";
import { queueOptionDefinitions } from "../client/queue_options.ts";
import { RemoteWriteClient } from "../client/remote_write_client.ts";
import { reasonOf } from "../model/errors.ts";
import { settledWithin, type Sleep } from "../send/sleep.ts";
import { Warnings } from "../send/warnings.ts";
import { labelsOption } from "./labels_option.ts";
import { translationStrategies, type TranslationStrategy } from "./otel_names.ts";
import { type OtelResourceMetrics, otelSeries, type OtelSeriesOptions } from "./otel_series.ts";
import { SnapshotSender } from "./snapshot_sender.ts";

export type { AuthContext, AuthMethod, AuthorizableRequest, Authorizer } from "../send/auth/authorizer.ts";
export type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
export type { Sleep } from "../send/sleep.ts";
export type {
  OtelAttributes,
  OtelBuckets,
  OtelDataPoint,
  OtelExemplar,
  OtelExponentialHistogram,
  OtelHistogram,
  OtelMetric,
  OtelResourceMetrics,
  OtelScopeMetrics,
  OtelTime,
} from "./otel_series.ts";
export type { ClientOptions, TranslationStrategy };

/** The options of an exporter: those of a client, and how metrics become series. */
export interface RemoteWriteMetricExporterOptions extends ClientOptions {
  /** Labels of all series. Attributes of the same name, and `job` and `instance` of the resource, take precedence. @default {} */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * How names are translated: with underscores or as UTF-8 names, with the suffixes of unit and type or without. (In 1.0, the option
   * `nameEscaping` escapes UTF-8 names.)
   * @default "UnderscoreEscapingWithSuffixes"
   */
  readonly translationStrategy?: TranslationStrategy | undefined;
  /** Whether a series `target_info` has the attributes of the resource. @default true */
  readonly targetInfo?: boolean | undefined;
  /** Whether series have the labels `otel_scope_name` and `otel_scope_version`. @default true */
  readonly scopeLabels?: boolean | undefined;
  /** The most samples that may wait while the endpoint is down. Beyond it, resolution is lost, but no total. @default 100000 */
  readonly capacity?: number | undefined;
  /** How long `forceFlush()` and `shutdown()` wait for what is not yet delivered, in milliseconds. @default 10000 */
  readonly shutdownTimeoutMs?: number | undefined;
}

/** The result of an export: 0 for success, 1 for failure. */
export interface OtelExportResult {
  /** 0 if everything was delivered; 1 if something was not delivered, or is not delivered yet. */
  readonly code: 0 | 1;
  /** Why not everything was delivered. */
  readonly error?: Error;
}

const definitions: OptionDefinitions<RemoteWriteMetricExporterOptions, OptionalClientOption> = {
  ...clientOptionDefinitions,
  labels: labelsOption,
  translationStrategy: {
    kind: "choice",
    choices: translationStrategies,
    // The default of OpenTelemetry's specification.
    default: "UnderscoreEscapingWithSuffixes",
  },
  targetInfo: { kind: "boolean", default: true },
  scopeLabels: { kind: "boolean", default: true },
  // About 80 megabytes of memory.
  capacity: { ...queueOptionDefinitions.capacity, default: 100_000 },
  // A program that ends should not wait long: its reader has already waited for the last export.
  shutdownTimeoutMs: { kind: "durationMs", min: 1, default: 10_000 },
};

/**
 * Exports metrics to a remote-write endpoint. While the endpoint is down, the values wait, and are sent in order afterwards. After the
 * constructor, no method throws or rejects: problems are warnings and the results of exports.
 */
export class RemoteWriteMetricExporter {
  readonly #sender: SnapshotSender;
  readonly #warnings: Warnings;
  readonly #series: Omit<OtelSeriesOptions, "minTime">;
  readonly #timeoutMs: number;
  readonly #sleep: Sleep;
  /** The latest timestamp so far. */
  #lastTime = -Infinity;
  #closing: Promise<void> | undefined;

  /** Creates an exporter, without sending anything. @throws ConfigurationError for an option that cannot be used */
  constructor(options: RemoteWriteMetricExporterOptions = {}) {
    const { labels, translationStrategy, targetInfo, scopeLabels, capacity, shutdownTimeoutMs, ...resolved } =
      checkOptions(
        options,
        definitions,
      );
    const { sleep } = resolved;
    this.#timeoutMs = shutdownTimeoutMs;
    this.#sleep = sleep;
    const warnings = this.#warnings = new Warnings(guarded(resolved.onWarning));
    const onSkip = (message: string): void => warnings.once(message);
    this.#series = { labels, strategy: translationStrategy, targetInfo, scopeLabels, onSkip };
    this.#sender = new SnapshotSender({ client: new RemoteWriteClient(resolved), capacity, sleep, warnings });
  }

  /** Sends metrics. Calls back when they are delivered, or the endpoint fails for longer than the client tries. */
  export(metrics: OtelResourceMetrics, resultCallback: (result: OtelExportResult) => void): void {
    void this.#export(metrics).then((problem) => {
      resultCallback(problem === undefined ? { code: 0 } : { code: 1, error: new Error(problem) });
    }).catch((error) => this.#warnings.once(`The callback of an export failed: ${reasonOf(error)}`));
  }

  /** Sends metrics. Returns why not everything was delivered. */
  async #export(metrics: OtelResourceMetrics): Promise<string | undefined> {
    if (this.#closing !== undefined) return "Cannot export: the exporter was shut down";
    try {
      // The times of a series must rise, also if two exports come within a millisecond.
      const series = otelSeries(metrics, { ...this.#series, minTime: this.#lastTime + 1 });
      for (const { samples = [], histograms = [] } of series) {
        for (const { timestamp } of [...samples, ...histograms]) {
          this.#lastTime = Math.max(this.#lastTime, Number(timestamp));
        }
      }
      this.#sender.add(series);
    } catch (error) {
      const problem = `Cannot read the metrics: ${reasonOf(error)}`;
      this.#warnings.once(problem);
      return problem;
    }
    return await this.#sender.send();
  }

  /** Waits until what was exported is delivered, at most `shutdownTimeoutMs`. */
  async forceFlush(): Promise<void> {
    await settledWithin(this.#sender.send(), this.#timeoutMs, this.#sleep);
  }

  /** Returns the temporality of all instruments: 1, cumulative. */
  selectAggregationTemporality(_instrumentType: unknown): 1 {
    return 1;
  }

  /** Delivers what waits, as far as `shutdownTimeoutMs` allows, and ends. Later exports fail. */
  shutdown(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const { samples, delivered, reasons } = await this.#sender.close(this.#timeoutMs);
    if (delivered === samples) return;
    const reason = reasons[0] === undefined ? "" : ` (${reasons[0].reason})`;
    this.#warnings.once(`Of ${samples} samples in all, ${samples - delivered} were not delivered${reason}.`);
  }
}

/**
 * What `send --dry-run` and `send --openmetrics` do instead of sending: the output sends to a receiver in this process.
 *
 * @module
 */
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import { type LongTexts, seriesKey } from "../receive/series_key.ts";
import { countOf, formatAbout, formatBytes, formatCount } from "./format.ts";

/** The largest number of values that are counted per label. */
const maxValues = 10_000;
/** How many labels are shown. */
const maxLabels = 6;
/** Prometheus refuses samples that are older than its newest by about this much, in milliseconds. */
const tooOldMs = 3_600_000;

/** Takes what an output would send, and sums it up. */
export class DryRun {
  readonly #onSeries: (timeSeries: readonly TimeSeries[]) => void;
  readonly #now: () => number;
  readonly #receive: (request: Request) => Promise<Response>;
  readonly #series = new Set<number>();
  readonly #labels = new Map<string, Set<string>>();
  #first = Infinity;
  #last = -Infinity;

  /** @param options onSeries: gets the series of each request; now: the time in milliseconds since the Unix epoch */
  constructor({ onSeries = () => {}, now = Date.now }: {
    readonly onSeries?: (timeSeries: readonly TimeSeries[]) => void;
    readonly now?: () => number;
  } = {}) {
    this.#onSeries = onSeries;
    this.#now = now;
    this.#receive = createReceiver({
      onWrite: ({ timeSeries }) => this.#add(timeSeries),
      maxBodyBytes: Number.MAX_SAFE_INTEGER,
      maxDecodedBytes: Number.MAX_SAFE_INTEGER,
    });
  }

  /** Returns the options of an output that sends to this receiver, without credentials. */
  options(given: RemoteWriteOutputOptions): RemoteWriteOutputOptions {
    const { user: _user, password: _password, bearerToken: _token, auth: _auth, headers: _headers, ...others } = given;
    const { endpoints: _endpoints, ...options } = others;
    return {
      ...options,
      url: "http://localhost/api/v1/write",
      protocol: "2.0",
      fetch: (input, init) => this.#receive(new Request(input, init)),
    };
  }

  #add(timeSeries: readonly TimeSeries[]): void {
    const longTexts: LongTexts = new Map();
    for (const { labels, samples = [], histograms = [] } of timeSeries) {
      this.#series.add(seriesKey(labels, longTexts));
      for (const { timestamp } of [...samples, ...histograms]) {
        this.#first = Math.min(this.#first, Number(timestamp));
        this.#last = Math.max(this.#last, Number(timestamp));
      }
      for (const { name, value } of labels) {
        let values = this.#labels.get(name);
        if (values === undefined) this.#labels.set(name, values = new Set());
        if (values.size < maxValues) values.add(value);
      }
    }
    this.#onSeries(timeSeries);
  }

  /** Returns rows about what would be sent. */
  rows({ samples, requests, bytes }: DeliveryReport): string[][] {
    const time = (ms: number): string => new Date(ms).toISOString();
    const labels = [...this.#labels].filter(([name]) => name !== "__name__").sort(([, a], [, b]) => b.size - a.size);
    const shown = labels.slice(0, maxLabels)
      .map(([name, { size }]) => `${name} (${size === maxValues ? "at least " : ""}${formatCount(size)})`);
    return [
      ["would send", countOf(samples, "sample"), `${formatCount(this.#series.size)} series`],
      ["in", countOf(requests, "request"), formatBytes(bytes)],
      ...(this.#first <= this.#last ? [["times", `${time(this.#first)} to ${time(this.#last)}`]] : []),
      ...(labels.length === 0 ? [] : [["labels", `with the most values: ${shown.join(", ")}`]]),
    ];
  }

  /** Returns what helps if the samples are too old for Prometheus; undefined if they are not. */
  get advice(): string | undefined {
    const ageMs = this.#now() - this.#first;
    if (this.#first > this.#last || ageMs < tooOldMs) return undefined;
    return `The oldest sample is ${
      formatAbout(ageMs)
    } old. Prometheus refuses samples that are about an hour older than its newest. Use --shift-to-now, or --openmetrics FILE and promtool.`;
  }
}

/**
 * What the steps of a check share: the options, the client, the first answers, and the series that were written.
 *
 * @module
 */
import type { GivenValue } from "../../config/given_options.ts";
import type { RawOptions } from "../../config/raw_options.ts";
import type { ResolvedOptions } from "../../k6/output/resolve_options.ts";
import type { TimeSeries } from "../../model/time_series.ts";
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { compress } from "../../protocol/snappy.ts";
import type { Network } from "../output_options.ts";
import type { Environment } from "../runtime.ts";
import { checkName, type Probe, type StoredProbes } from "./probe.ts";
import { type Answer, isAcknowledged, type NoAnswer, ProbeClient } from "./probe_client.ts";
import { emptyRequest, encodeSeries } from "./probe_body.ts";

/** The options of a check, and what they were read from. */
interface CheckContextOptions {
  /** The options of an output, as `send` has them. */
  readonly options: ResolvedOptions;
  readonly raw: RawOptions;
  /** The values of all sources, in rising precedence. */
  readonly values: readonly GivenValue[];
  readonly network: Network;
  readonly env: Environment;
  /** Whether to send only requests without series. */
  readonly readOnly: boolean;
  /** The query API; by default, it is derived from the write URL. */
  readonly queryUrl?: string | undefined;
  /** How long to look for what was written, in milliseconds. @default 5000 */
  readonly readBackMs?: number | undefined;
}

/** One check of one endpoint. */
export class CheckContext {
  readonly url: URL;
  readonly options: ResolvedOptions;
  readonly raw: RawOptions;
  readonly values: readonly GivenValue[];
  readonly network: Network;
  readonly env: Environment;
  readonly readOnly: boolean;
  readonly queryUrl: string | undefined;
  readonly readBackMs: number;
  readonly client: ProbeClient;
  /** Distinguishes the series of this check from those of others. */
  readonly run: string;
  /** The time of the samples of the present, in milliseconds since the Unix epoch. */
  readonly baseTime: number;
  /** The series that were acknowledged, or are perhaps stored, by their probe. */
  readonly written: Map<string, Probe> = new Map();
  /** The version that the endpoint knows, once that is known. */
  version: ProtocolVersion | undefined;
  /** What the endpoint's answers to queries show; undefined before that, and if it answers no queries. */
  stored: StoredProbes | undefined;
  readonly #empty = new Map<ProtocolVersion, Answer | NoAnswer>();

  /** @throws ConfigurationError for a header or an authentication that cannot be used */
  constructor({ options, raw, values, network, env, readOnly, queryUrl, readBackMs = 5000 }: CheckContextOptions) {
    this.url = new URL(options.url);
    this.options = options;
    this.raw = raw;
    this.values = values;
    this.network = network;
    this.env = env;
    this.readOnly = readOnly;
    this.queryUrl = queryUrl;
    this.readBackMs = readBackMs;
    this.client = new ProbeClient(options);
    this.baseTime = options.now();
    this.run = `${options.now().toString(36)}${Math.floor(options.random() * 46_656).toString(36)}`;
  }

  /** The proxy through which the endpoint is reached, if there is one. */
  get proxy(): URL | undefined {
    return this.network.chooseProxy?.(this.url);
  }

  /** Returns the answer to a request without series. It is sent once for each version. */
  async empty(version: ProtocolVersion): Promise<Answer | NoAnswer> {
    const known = this.#empty.get(version);
    if (known !== undefined) return known;
    const answer = await this.client.send({ version, body: compress(emptyRequest(version)) });
    this.#empty.set(version, answer);
    return answer;
  }

  /** Returns the answer that shows best whether the endpoint takes requests, in the version that the sender would use. */
  async first(): Promise<Answer | NoAnswer> {
    const { protocol } = this.options;
    if (protocol === "1.0") return await this.empty("1.0");
    const answer = await this.empty("2.0");
    // A second request would not be answered either.
    if (protocol === "2.0" || answer.status === undefined) return answer;
    return isAcknowledged(answer) && answer.written !== undefined ? answer : await this.empty("1.0");
  }

  /** Sends series in one request, and notes them if they are acknowledged. */
  async write(
    probes: readonly Probe[],
    version: ProtocolVersion = this.version ?? "1.0",
  ): Promise<Answer | NoAnswer> {
    const body = compress(encodeSeries(version, probes.map((probe) => this.#seriesOf(probe))));
    const answer = await this.client.send({ version, body });
    if (isAcknowledged(answer)) { for (const probe of probes) this.note(probe); }
    return answer;
  }

  /** Takes note of a series that is perhaps stored. */
  note(probe: Probe): void {
    if (probe.stale !== true) this.written.set(probe.probe, probe);
  }

  #seriesOf({ probe, time, name = checkName, labels = [], value = 1, stale, ...rest }: Probe): TimeSeries {
    const { histogram, exemplars, metadata } = rest;
    const own = { __name__: name, run: this.run, probe };
    return {
      labels: [...Object.entries(own).map(([name, value]) => ({ name, value })), ...labels],
      ...histogram === undefined
        ? { samples: [{ value, timestamp: time, stale }] }
        : { histograms: [{ ...histogram, timestamp: time, stale }] },
      ...exemplars && { exemplars },
      ...metadata && { metadata },
    };
  }
}

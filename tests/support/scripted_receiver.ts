/**
 * A remote-write receiver in this process that behaves by script, as real receivers were observed to behave. It records every
 * request and what it stored, so that a test can compare what was sent, what is stored and what is reported.
 *
 * @module
 */
import type { Histogram, Label, TimeSeries } from "../../mod.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** A float, a native histogram or a staleness marker, as it was decoded. */
export interface ReceivedSample {
  /** The name and the sorted labels of its series: `up{job="a"}`. */
  readonly series: string;
  readonly labels: readonly Label[];
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** NaN for a staleness marker, and the count for a native histogram. */
  readonly value: number;
  readonly histogram?: Histogram;
  readonly stale?: boolean;
}

/** A request and how it was answered. */
export interface ReceivedRequest {
  /** When it arrived, on the receiver's clock. */
  readonly atMs: number;
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Headers;
  readonly version: ProtocolVersion;
  /** The compressed size of the body. */
  readonly bodyBytes: number;
  readonly samples: readonly ReceivedSample[];
  /** The names of the series, each once. */
  readonly series: readonly string[];
  /** Metric families that a 1.0 request describes. */
  readonly families: number;
  /** The status that it was answered with; undefined if it was not answered. */
  status: number | undefined;
}

/** An answer over HTTP: its status, headers and body. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What happens to one request instead of, or before, the receiver's own answer. */
export type Fault =
  /** The receiver takes the request and answers. */
  | { readonly kind: "pass" }
  /** The answer is given by the script. `stored`: the receiver took the request nevertheless. `hangs`: the body never ends. */
  | { readonly kind: "answer"; readonly stored?: boolean; readonly hangs?: boolean } & Answer
  /** No connection. */
  | { readonly kind: "refuse" }
  /** The connection breaks, before or after the receiver took the request. */
  | { readonly kind: "reset"; readonly stored?: boolean }
  /** No answer. `deaf`: even an abort does not end the wait, as in workerd after the request of a flush was cancelled. */
  | { readonly kind: "hang"; readonly stored?: boolean; readonly deaf?: boolean }
  /** The receiver takes this much time for the request. */
  | { readonly kind: "slow"; readonly ms: number }
  /** `fetch` throws this. */
  | { readonly kind: "throw"; readonly error: unknown }
  /** `fetch` returns what the function returns, or throws what it throws. */
  | { readonly kind: "respond"; readonly respond: () => Response | Promise<Response> };

/** What becomes of the good samples of a request that also has bad ones. */
export type PartialStore = "rollsBack" | "storesGoodPart";

/** What the Written headers of 2.0 count. */
export type WrittenMode = "stored" | "received" | "zero" | "none";

/** A condition for samples: a function, or the names of series. */
export type Samples = ((sample: ReceivedSample) => boolean) | ReadonlySet<string>;

/** Whether a receiver knows 2.0, or the status that it answers it with. */
export type V2Support = "known" | 200 | 204 | 400 | 415 | 500;

/** How the receiver behaves. Each member can be changed while it runs. */
export interface Behaviour {
  /** The samples that the receiver refuses, or the names of their series. @default none */
  bad?: Samples | undefined;
  /** The samples, or the names of their series, that make the receiver answer 500 and store nothing. @default none */
  poison?: Samples | undefined;
  /** @default "rollsBack" for 1.0 and "storesGoodPart" for 2.0, as Prometheus */
  onBad?: PartialStore | Readonly<Record<ProtocolVersion, PartialStore>> | undefined;
  /** The status of an answer to a request with bad samples; below 300, the refusal is not told. @default 400 */
  badStatus?: number | undefined;
  /** The receiver's words about a bad sample. */
  reason?: ((sample: ReceivedSample) => string) | undefined;
  /** What the Written headers count if the whole request is stored. @default "stored" */
  written?: WrittenMode | undefined;
  /** What the Written headers count if samples were refused. @default as `written` */
  refusalWritten?: WrittenMode | undefined;
  /** Answers 500 to each request with a native histogram, as Prometheus 3.5 without the feature. @default false */
  noNativeHistograms?: boolean | undefined;
  /** How it answers 2.0: it knows it, or it answers with this status, without Written headers, and stores nothing. @default "known" */
  v2?: V2Support | undefined;
  /** The answer to each request of a version that it knows; nothing is stored. @default the receiver takes the requests */
  reply?: Answer | undefined;
  /** Refuses samples that are older than the newest of their series, or that differ at the same time. @default true */
  ordered?: boolean | undefined;
  /** How long a request takes, by its number from 0. @default 0 */
  latencyMs?: number | ((request: number) => number) | undefined;
  /** A larger body is answered 413. @default Infinity */
  maxBodyBytes?: number | undefined;
}

/** What a receiver is made of. */
export interface ScriptedReceiverOptions extends Behaviour {
  /** Its time, and how it waits. */
  readonly clock: Pick<VirtualClock, "now" | "sleep">;
  /** What happens to the first requests, one for each. */
  readonly faults?: readonly Fault[] | undefined;
  /** Reads the samples of a body. @default as remote write, with the decoder of this project */
  readonly decode?: ((body: Uint8Array, version: ProtocolVersion) => readonly ReceivedSample[]) | undefined;
  /** Takes the requests that pass, such as a strict receiver; this one then stores nothing. @default this one */
  readonly behind?: typeof globalThis.fetch | undefined;
  /** Called when a request has ended, answered or not. */
  readonly onRequest?: ((request: ReceivedRequest) => void) | undefined;
}

/** The behaviour of Prometheus. */
export const prometheus: Behaviour = {
  onBad: { "1.0": "rollsBack", "2.0": "storesGoodPart" },
  written: "stored",
};

/** As Mimir from 2.17, Grafana Cloud and Cortex: the good part is stored, and a refusal counts what was received. */
export const mimir: Behaviour = { onBad: "storesGoodPart", written: "stored", refusalWritten: "received" };

/** As the OpenTelemetry collector: it answers 2xx and counts what it refused as written. */
export const openTelemetryCollector: Behaviour = { onBad: "storesGoodPart", written: "received", badStatus: 204 };

/** As Thanos receive: 409, and the good part may be stored. */
export const thanos: Behaviour = { onBad: "storesGoodPart", badStatus: 409, v2: 415 };

/** As M3: 500 without end. */
export const m3: Behaviour = { onBad: "rollsBack", badStatus: 500, v2: 415 };

/** As VictoriaMetrics: it knows no 2.0, and stores in any order and twice. */
export const victoriaMetrics: Behaviour = { ordered: false, v2: 204 };

/** As many receivers: it knows only 1.0, and stores in any order and twice. */
export const onlyV1: Behaviour = { ordered: false, v2: 415 };

/** Returns the behaviour of a receiver that knows only 1.0 and refuses every request with this answer. */
export const refusing = (status: number, body = ""): Behaviour => ({ ...onlyV1, reply: { status, body } });

const html = { "Content-Type": "text/html; charset=utf-8" };

/** A login page, or the page of a wrong host. */
export const page: Fault = {
  kind: "answer",
  status: 200,
  headers: html,
  body: "<!doctype html><title>Log in</title>",
};

/** What nginx answers to http on a port for https. */
export const plainHttpPage: Fault = {
  kind: "answer",
  status: 400,
  headers: html,
  body: "<html><body>400 Bad Request: The plain HTTP request was sent to HTTPS port</body></html>",
};

/** The receiver's usual words about a bad sample. */
const defaultReason = ({ series }: ReceivedSample): string => `the value of a label is too long, series: ${series}`;

/** A receiver in this process whose faults and behaviour a test chooses. */
export class ScriptedReceiver {
  /** Every request that arrived, in order. */
  readonly requests: ReceivedRequest[] = [];
  /** What is stored of each series, in the order of storing. */
  readonly stored: Map<string, ReceivedSample[]> = new Map();
  /** How many samples were stored before, with the same value. */
  duplicates = 0;
  /** Rules for senders that were broken: a series twice or unordered in a request, or in two requests at once. */
  readonly violations: string[] = [];
  readonly #options: ScriptedReceiverOptions;
  readonly #behaviour: Behaviour;
  readonly #faults: Fault[];
  readonly #underWay = new Set<string>();
  /** The newest time that is stored of each series. */
  readonly #newest = new Map<string, number>();
  #standing: { readonly fault: Fault; readonly untilMs: number } | undefined;

  constructor(options: ScriptedReceiverOptions) {
    this.#options = options;
    this.#behaviour = { ...options };
    this.#faults = [...options.faults ?? []];
  }

  /** How many samples are stored. */
  get count(): number {
    return [...this.stored.values()].reduce((sum, samples) => sum + samples.length, 0);
  }

  /** The newest value of each series. */
  get totals(): Map<string, number> {
    return new Map([...this.stored].map(([series, samples]) => [series, samples.at(-1)?.value ?? NaN]));
  }

  /** Changes how it behaves from now on. */
  behave(changes: Behaviour): void {
    Object.assign(this.#behaviour, changes);
  }

  /** All requests meet this fault from now on, until another one is set or the time is over. */
  meet(fault: Fault, forMs: number = Infinity): void {
    this.#standing = { fault, untilMs: this.#options.clock.now() + forMs };
  }

  /** To be injected where a `fetch` is wanted. */
  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const { clock } = this.#options;
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const number = this.requests.length;
    const request = this.#record(input instanceof Request ? input.url : String(input), init);
    const overlapping = request.series.filter((series) => this.#underWay.has(series));
    if (overlapping.length > 0) this.violations.push(`two requests at once with ${overlapping[0]}`);
    for (const series of request.series) this.#underWay.add(series);
    try {
      const fault = this.#nextFault();
      if (fault.kind === "throw") throw fault.error;
      if (fault.kind === "respond") return await fault.respond();
      if (fault.kind === "refuse") throw networkError("ECONNREFUSED");
      const { latencyMs = 0 } = this.#behaviour;
      const waitMs = fault.kind === "slow" ? fault.ms : typeof latencyMs === "number" ? latencyMs : latencyMs(number);
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
      const passed = "stored" in fault && fault.stored === true ? await this.#pass(request) : undefined;
      if (fault.kind === "reset") throw networkError("ECONNRESET");
      if (fault.kind === "hang") return await hang(fault.deaf === true ? undefined : signal);
      const response = fault.kind === "answer"
        ? respond(fault, fault.hangs === true ? signal : undefined)
        : passed ?? await this.#pass(request);
      request.status = response.status;
      return response;
    } finally {
      for (const series of request.series) this.#underWay.delete(series);
      this.#options.onRequest?.(request);
    }
  };

  /** Stores what the receiver stores of a request, and returns the answer, without waiting and without faults. */
  take(request: Pick<ReceivedRequest, "version" | "samples" | "bodyBytes">): Answer {
    const { version, samples } = request;
    const early = this.#earlyAnswer(request);
    if (early !== undefined) return early;
    const { noNativeHistograms = false, badStatus = 400 } = this.#behaviour;
    if (noNativeHistograms && samples.some(({ histogram }) => histogram !== undefined)) {
      return { status: 500, body: "native histograms are disabled" };
    }
    if (samples.some((sample) => isAmong(sample, this.#behaviour.poison))) {
      return { status: 500, body: "histogram's counts do not add up" };
    }
    const { onBad = { "1.0": "rollsBack", "2.0": "storesGoodPart" } } = this.#behaviour;
    const partial = typeof onBad === "string" ? onBad : onBad[version];
    const problems = samples.map((sample) => this.#problemOf(sample));
    const problem = problems.find((each) => each !== undefined);
    const storesGood = problem === undefined || partial === "storesGoodPart";
    const taken = samples.filter((_, index) => storesGood && problems[index] === undefined);
    for (const sample of taken) this.#store(sample);
    const headers = version === "2.0" ? this.#writtenHeaders({ samples, taken, refused: problem !== undefined }) : {};
    if (problem === undefined) return { status: 204, headers };
    return badStatus < 300 ? { status: badStatus, headers } : { status: badStatus, headers, body: problem };
  }

  async #pass(request: ReceivedRequest): Promise<Response> {
    const { behind } = this.#options;
    if (behind === undefined) return respond(this.take(request));
    const early = this.#earlyAnswer(request);
    return early === undefined ? await behind(request.url, request.init) : respond(early);
  }

  /** The answer to a request that the receiver does not look into. */
  #earlyAnswer({ version, bodyBytes }: Pick<ReceivedRequest, "version" | "bodyBytes">): Answer | undefined {
    const { v2 = "known", maxBodyBytes = Infinity, reply } = this.#behaviour;
    if (bodyBytes > maxBodyBytes) return { status: 413, body: "too large" };
    return version === "2.0" && v2 !== "known" ? { status: v2, body: "cannot decode" } : reply;
  }

  #record(url: string, init: RequestInit): ReceivedRequest {
    const headers = new Headers(init.headers);
    const version = headers.get("x-prometheus-remote-write-version") === "2.0.0" ? "2.0" : "1.0";
    const { body } = init;
    if (!(body instanceof Uint8Array)) throw new TypeError("Cannot decode: the body is not a Uint8Array");
    const { decode } = this.#options;
    const { samples, families } = decode === undefined
      ? decodeBody(body, version)
      : { samples: decode(body, version), families: 0 };
    const series = [...new Set(samples.map((sample) => sample.series))];
    this.#checkOrder(samples);
    const request: ReceivedRequest = {
      atMs: this.#options.clock.now(),
      url,
      init,
      headers,
      version,
      bodyBytes: body.length,
      samples,
      series,
      families,
      status: undefined,
    };
    this.requests.push(request);
    return request;
  }

  #checkOrder(samples: readonly ReceivedSample[]): void {
    const last = new Map<string, number>();
    for (const { series, time } of samples) {
      if (time <= (last.get(series) ?? -Infinity)) {
        this.violations.push(`in one request, ${series} at ${time} after ${last.get(series)}`);
      }
      last.set(series, time);
    }
  }

  #nextFault(): Fault {
    const next = this.#faults.shift();
    if (next !== undefined) return next;
    const standing = this.#standing;
    return standing === undefined || this.#options.clock.now() >= standing.untilMs ? { kind: "pass" } : standing.fault;
  }

  /** Why a sample is refused. */
  #problemOf(sample: ReceivedSample): string | undefined {
    const { bad, reason = defaultReason, ordered = true } = this.#behaviour;
    const { series, time } = sample;
    if (isAmong(sample, bad)) return reason(sample);
    const last = this.stored.get(series)?.at(-1);
    if (!ordered || last === undefined || time > last.time) return undefined;
    if (time < last.time) return `out of order sample of series ${series}`;
    return isSame(last, sample) ? undefined : `duplicate sample for timestamp of series ${series}`;
  }

  #store(sample: ReceivedSample): void {
    const list = this.stored.get(sample.series) ?? [];
    this.stored.set(sample.series, list);
    // Most samples are newer than all others of their series.
    const newest = this.#newest.get(sample.series) ?? -Infinity;
    this.#newest.set(sample.series, Math.max(newest, sample.time));
    const known = sample.time <= newest && list.some((other) => other.time === sample.time && isSame(other, sample));
    if (known) this.duplicates++;
    if (!known || this.#behaviour.ordered === false) list.push(sample);
  }

  #writtenHeaders(
    { samples, taken, refused }: {
      readonly samples: readonly ReceivedSample[];
      readonly taken: readonly ReceivedSample[];
      readonly refused: boolean;
    },
  ): Record<string, string> {
    const { written = "stored", refusalWritten = written } = this.#behaviour;
    const mode = refused ? refusalWritten : written;
    if (mode === "none") return {};
    const counted = mode === "zero" ? [] : mode === "stored" ? taken : samples;
    const histograms = counted.filter(({ histogram }) => histogram !== undefined).length;
    return {
      "X-Prometheus-Remote-Write-Samples-Written": String(counted.length - histograms),
      "X-Prometheus-Remote-Write-Histograms-Written": String(histograms),
      "X-Prometheus-Remote-Write-Exemplars-Written": "0",
    };
  }
}

/** The samples of a request's body, and how many metric families it describes. */
export function decodeBody(
  body: Uint8Array,
  version: ProtocolVersion,
): { readonly samples: readonly ReceivedSample[]; readonly families: number } {
  const bytes = decompress(body, { maxDecodedBytes: 1 << 26 });
  const { timeSeries, metadata } = (version === "2.0" ? decodeV2 : decodeV1)(bytes);
  return { samples: timeSeries.flatMap(samplesOf), families: version === "1.0" ? metadata.size : 0 };
}

function samplesOf({ labels, samples = [], histograms = [] }: TimeSeries): ReceivedSample[] {
  const common = { series: formatSeries(labels), labels };
  return [
    ...samples.map(({ value, timestamp, stale }) => ({
      ...common,
      time: Number(timestamp),
      value: stale === true ? NaN : value,
      ...(stale && { stale }),
    })),
    ...histograms.map((histogram) => ({
      ...common,
      time: Number(histogram.timestamp),
      value: histogram.stale === true ? NaN : histogram.count,
      histogram,
      ...(histogram.stale && { stale: true }),
    })),
  ];
}

function isAmong(sample: ReceivedSample, samples: Samples | undefined): boolean {
  return typeof samples === "function" ? samples(sample) : samples?.has(sample.series) === true;
}

function isSame(a: ReceivedSample, b: ReceivedSample): boolean {
  return Object.is(a.value, b.value) && a.stale === b.stale &&
    JSON.stringify(a.histogram) === JSON.stringify(b.histogram);
}

/** A response; with a signal, its body never ends before the signal fires. */
function respond({ status, headers, body = "" }: Answer, endless?: AbortSignal): Response {
  if (status === 204 || status === 304) return new Response(null, { status, headers });
  if (endless === undefined) return new Response(body, { status, headers });
  const stream = new ReadableStream<Uint8Array>({
    start(controller): void {
      controller.enqueue(new TextEncoder().encode(body));
      endless.addEventListener("abort", () => controller.error(endless.reason), { once: true });
    },
  });
  return new Response(stream, { status, headers });
}

function networkError(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** Never resolves; rejects when the signal fires, as `fetch` does. */
function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

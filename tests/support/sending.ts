/**
 * The parts of sending, in front of a scripted receiver.
 *
 * @module
 */
import assert from "node:assert/strict";
import { resolveClientOptions, type ResolvedClientOptions } from "../../src/client/client_options.ts";
import { checkOptions, type Resolved } from "../../src/client/option_definition.ts";
import { type OptionalQueueOption, queueOptionDefinitions, type QueueOptions } from "../../src/client/queue_options.ts";
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { type EncodedSeries, encodeSeries } from "../../src/protocol/encoded_series.ts";
import type { Codec, Codecs, EncodedSlice } from "../../src/send/codec.ts";
import { DeadlineClock } from "../../src/send/deadline_clock.ts";
import { Delivery, type DeliveryOptions } from "../../src/send/delivery.ts";
import { DeliveryJob } from "../../src/send/delivery_job.ts";
import { createHttpSender, type HttpSenderOptions } from "../../src/send/http_sender.ts";
import { Liveness } from "../../src/send/liveness.ts";
import { Outage } from "../../src/send/outage.ts";
import { Quarantine } from "../../src/send/quarantine.ts";
import { RequestBudget } from "../../src/send/request_budget.ts";
import type { EncodedRequest, RequestResult } from "../../src/send/request_result.ts";
import { withRetry } from "../../src/send/retry.ts";
import { SendStats, withStats } from "../../src/send/stats.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { TotalsQueue, type TotalsQueueOptions } from "../../src/send/totals_queue.ts";
import {
  type Behaviour,
  type Fault,
  type ReceivedRequest,
  type ReceivedSample,
  ScriptedReceiver,
} from "./scripted_receiver.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** The default limits of a client and its queue. */
export const defaultLimits: ResolvedClientOptions & Resolved<QueueOptions, OptionalQueueOption> = {
  ...resolveClientOptions(),
  ...checkOptions({}, queueOptionDefinitions),
};

/** The options of the parts, and of the receiver. */
export interface SendingOptions
  extends
    Partial<Omit<DeliveryOptions, "send" | "monotonicNow" | "outage">>,
    Partial<Omit<TotalsQueueOptions, "delivery" | "outage" | "liveness" | "budget" | "sleep">>,
    Pick<Behaviour, "bad" | "poison" | "v2"> {
  /** What happens to the first requests. The body of an answer is "status 503 by script" by default. */
  readonly faults?: readonly Fault[];
  readonly random?: () => number;
  readonly maxRequestsPerFlush?: number;
  readonly sharedDeadline?: boolean;
  readonly timeoutMs?: number;
  /** Whether the delivery has no queue, so that a refusal by the endpoint ends it. @default false */
  readonly isAlone?: boolean;
}

/** The parts of sending, their receiver and their clock. */
export interface Sending {
  readonly clock: VirtualClock;
  readonly receiver: ScriptedReceiver;
  readonly queue: TotalsQueue;
  readonly delivery: Delivery;
  readonly stats: SendStats;
  readonly messages: string[];
  /** Delivers a batch without the queue. */
  deliver(batch: Batch): Promise<DeliveryReport>;
}

/** Makes a delivery and a queue that send to a scripted receiver, with a virtual clock. */
export function createSending(options: SendingOptions = {}): Sending {
  const {
    faults = [],
    bad,
    poison,
    v2,
    random = () => 0.5,
    maxRequestsPerFlush = Infinity,
    sharedDeadline = false,
    isAlone = false,
    ...changes
  } = options;
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({
    clock,
    faults: faults.map((fault) =>
      fault.kind === "answer" ? { body: `status ${fault.status} by script`, ...fault } : fault
    ),
    decode: decodeJson,
    reason: ({ series }) => `label of series {${series}} is not liked`,
    ...{ bad, poison, v2 },
  });
  const { monotonicNow, gaps, sleep } = new DeadlineClock(clock);
  const messages: string[] = [];
  const warnings = new Warnings((message) => messages.push(message));
  const stats = new SendStats();
  const budget = new RequestBudget(maxRequestsPerFlush);
  const common = {
    ...defaultLimits,
    codecs: jsonCodecs,
    protocol: "1.0",
    bisect: true,
    retryDeadlineMs: Infinity,
    overflow: "drop-oldest",
    onRefusal: "defer",
    ...changes,
    ...{ sleep, now: clock.now, monotonicNow, gaps, stats, warnings, budget },
  } as const;
  const outage = new Outage({ ...common, sharedDeadline });
  const fetch = budget.limitFetch(receiver.fetch);
  const http = createHttpSender({ ...common, url: "http://receiver.test/write", headers: {}, fetch });
  const liveness = new Liveness(monotonicNow, sleep);
  const attempt = liveness.ofSend(budget.limitSend(withStats(http, common)), common.timeoutMs);
  const retries = { ...common, random, retryOn429: true, sleep: liveness.ofSleep(outage.ofSleep(sleep)) };
  const send = withRetry(attempt, retries);
  const delivery = new Delivery({ ...common, outage: isAlone ? undefined : outage, send });
  const queue = new TotalsQueue({ ...common, outage, delivery, liveness });
  const quarantine = new Quarantine();
  const deliver = (batch: Batch): Promise<DeliveryReport> =>
    clock.settle(
      delivery.deliver(new DeliveryJob({ batch, from: 0, to: batch.length }), new AbortController().signal, {
        quarantine,
      }),
    );
  return { clock, receiver, queue, delivery, stats, messages, deliver };
}

/** Puts the parts together for a delivery without a queue. */
export function setUpDelivery(options: SendingOptions = {}): Sending {
  return createSending({ isAlone: true, ...options });
}

type JsonSample = Pick<ReceivedSample, "series" | "time" | "value">;

/** A codec whose bodies are easy to read. */
const jsonCodec: Codec = {
  encode({ batch, from, to }): EncodedSlice {
    const samples: JsonSample[] = [];
    for (let index = from; index < to; index++) {
      const series = batch.series[index]?.name ?? "";
      samples.push({ series, time: batch.times[index] ?? 0, value: batch.values[index] ?? 0 });
    }
    const body = new TextEncoder().encode(JSON.stringify(samples));
    return { body, decodedBytes: 2 * body.length };
  },
};

function decodeJson(body: Uint8Array): ReceivedSample[] {
  const samples: readonly JsonSample[] = JSON.parse(new TextDecoder().decode(body));
  return samples.map((sample) => ({ ...sample, labels: [] }));
}

/** The JSON codec for both versions. */
export const jsonCodecs: Codecs = { "1.0": jsonCodec, "2.0": jsonCodec };

/** Creates one series for each name. */
export class SeriesNames {
  readonly #series = new Map<string, EncodedSeries>();

  /** Returns the series of this name. */
  get(name: string): EncodedSeries {
    const series = this.#series.get(name) ?? encodeSeries([{ name: "__name__", value: name }]);
    this.#series.set(name, series);
    return series;
  }

  /** Returns a batch of samples, given as name, time, value. */
  batch(samples: readonly (readonly [name: string, time: number, value: number])[]): Batch {
    const batch = new Batch();
    for (const [name, time, value] of samples) batch.push(this.get(name), value, time);
    return batch;
  }
}

/** Returns a batch with one sample of each of this number of series. */
export function oneEach(count: number, series: SeriesNames = new SeriesNames(), time = 1): Batch {
  return series.batch(Array.from({ length: count }, (_, index) => [`s${index}`, time, index]));
}

/** Returns the number of samples of each request. */
export const sizes = ({ receiver }: Sending): number[] => receiver.requests.map(({ samples }) => samples.length);

/** Returns the header with the version of each request. */
export const versions = ({ receiver }: Sending): (string | null)[] =>
  receiver.requests.map(({ headers }) => headers.get("x-prometheus-remote-write-version"));

/** The members of a request that was not sent before. */
export const firstAttempt: Omit<EncodedRequest, "version" | "body" | "samples"> = {
  attempt: 0,
  resent: false,
  maxServerErrors: 40,
  retryUntilMs: Infinity,
};

/** A request with one sample and a body of three bytes. */
export const request: EncodedRequest = {
  version: "1.0",
  body: new Uint8Array([1, 2, 3]),
  samples: 1,
  ...firstAttempt,
};

/** Returns a fetch that gives these answers in turn, and then the last one again and again. */
export function answering(
  ...answers: readonly (() => Response | Promise<Response>)[]
): { readonly fetch: typeof globalThis.fetch; readonly calls: readonly ReceivedRequest[] } {
  const faults = answers.map((respond): Fault => ({ kind: "respond", respond }));
  const receiver = new ScriptedReceiver({ clock: new VirtualClock(), decode: () => [], faults });
  receiver.meet(faults.at(-1) ?? { kind: "throw", error: new TypeError("no answer") });
  return { fetch: receiver.fetch, calls: receiver.requests };
}

/** Returns a function that answers 204. */
export const noContent = (headers: Record<string, string> = {}) => (): Response =>
  new Response(null, { status: 204, headers });

/** Returns a function that gives this answer. */
export const answer =
  (status: number, body: string | null = null, headers: Record<string, string> = {}) => (): Response =>
    new Response(body, { status, headers });

/** The options that most tests of the HTTP sender do not change. */
export const httpOptions: Pick<HttpSenderOptions, "url" | "headers" | "timeoutMs"> = {
  url: "http://receiver.test/",
  headers: {},
  timeoutMs: 30_000,
};

/** Sends a request once, while the clock stands still. */
export async function send(
  options: Partial<HttpSenderOptions> & Pick<HttpSenderOptions, "fetch">,
  changes: Partial<EncodedRequest> = {},
): Promise<RequestResult> {
  const clock = new VirtualClock();
  const sender = createHttpSender({
    ...httpOptions,
    url: "http://receiver.test/api/v1/write",
    sleep: clock.sleep,
    now: clock.now,
    ...options,
  });
  const outcome = await sender({ ...request, ...changes }, new AbortController().signal);
  assert.equal(clock.timers, 0, "the timeout's timer is left");
  return outcome;
}

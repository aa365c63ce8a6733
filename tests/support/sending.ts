/**
 * The parts of sending, with a receiver that fails by script.
 *
 * @module
 */
import { resolveClientOptions, type ResolvedClientOptions } from "../../src/client/client_options.ts";
import { checkOptions, type Resolved } from "../../src/client/option_definition.ts";
import { queueOptionDefinitions, type QueueOptions } from "../../src/client/queue_options.ts";
import { DeadlineClock } from "../../src/send/deadline_clock.ts";
import { Delivery, type DeliveryOptions } from "../../src/send/delivery.ts";
import { createHttpSender } from "../../src/send/http_sender.ts";
import { Outage } from "../../src/send/outage.ts";
import { RequestBudget } from "../../src/send/request_budget.ts";
import { withRetry } from "../../src/send/retry.ts";
import { SendStats, withStats } from "../../src/send/stats.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { WriteQueue, type WriteQueueOptions } from "../../src/send/write_queue.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { EncodedSeries } from "../../src/protocol/encoded_series.ts";
import type { FakePrometheus } from "./fake_prometheus.ts";
import { createFaultyFetch, type Fault, type FaultyFetch, jsonCodecs } from "./faulty_fetch.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** The default limits of a client and its queue. */
export const defaultLimits: ResolvedClientOptions & Resolved<QueueOptions, never> = {
  ...resolveClientOptions(),
  ...checkOptions({}, queueOptionDefinitions),
};

/** What a test may change. */
export interface SendingOptions
  extends
    Partial<Omit<DeliveryOptions, "send" | "monotonicNow" | "outage">>,
    Partial<Omit<WriteQueueOptions, "delivery" | "outage" | "budget" | "sleep">> {
  readonly clock: VirtualClock;
  readonly receiver: FakePrometheus;
  readonly faults?: readonly Fault[];
  readonly random?: () => number;
  readonly maxRequestsPerFlush?: number;
  readonly sharedDeadline?: boolean;
  readonly timeoutMs?: number;
  /** Whether the delivery has no queue, so that a refusal by the endpoint ends it. @default false */
  readonly isAlone?: boolean;
}

/** The parts of sending. */
export interface Sending {
  readonly queue: WriteQueue;
  readonly delivery: Delivery;
  readonly stats: SendStats;
  readonly network: FaultyFetch;
  readonly messages: string[];
}

/** Puts the parts together. */
export function createSending(options: SendingOptions): Sending {
  const {
    clock,
    receiver,
    faults,
    random = () => 0.5,
    maxRequestsPerFlush = Infinity,
    sharedDeadline = false,
    isAlone = false,
    ...changes
  } = options;
  const { monotonicNow, gaps, sleep } = new DeadlineClock(clock);
  const messages: string[] = [];
  const warnings = new Warnings((message) => messages.push(message));
  const stats = new SendStats();
  const network = createFaultyFetch({ receiver, sleep, faults });
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
  const fetch = budget.limitFetch(network.fetch);
  const http = createHttpSender({ ...common, url: "http://receiver.test/write", headers: {}, fetch });
  const send = withRetry(budget.limitSend(withStats(http, common)), { ...common, random, retryOn429: true });
  const delivery = new Delivery({ ...common, outage: isAlone ? undefined : outage, send });
  return { queue: new WriteQueue({ ...common, outage, delivery }), delivery, stats, network, messages };
}

/** Creates one series for each name. */
export class SeriesNames {
  readonly #series = new Map<string, EncodedSeries>();

  /** Returns the series of this name. */
  get(name: string): EncodedSeries {
    const series = this.#series.get(name) ?? new EncodedSeries([{ name: "__name__", value: name }]);
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

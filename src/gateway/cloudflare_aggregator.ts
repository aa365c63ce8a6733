/**
 * An aggregator on Cloudflare: Durable Objects that keep the sums, and a Worker in front of them.
 *
 * @module
 */
import { unexpected } from "../model/check_keys.ts";
import { BusyError, ConfigurationError } from "../model/errors.ts";
import type { Label, TimeSeries } from "../model/time_series.ts";
import type { Batch } from "../protocol/batch.ts";
import { ByteBuffer } from "../protocol/byte_buffer.ts";
import { encodeMetadataV1 } from "../protocol/encode_v1.ts";
import { EncoderV2 } from "../protocol/encode_v2.ts";
import { compress } from "../protocol/snappy.ts";
import { batchesOf } from "../protocol/time_series_batch.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import type { PartialWrite, ReceivedWrite } from "../receive/receiver_options.ts";
import { refuse } from "../receive/responses.ts";
import { seriesKey } from "../receive/series_key.ts";
import { sleep } from "../send/sleep.ts";
import type { AggregatorOptions } from "./aggregator_options.ts";
import { RemoteWriteAggregator } from "./remote_write_aggregator.ts";
import { isRemovedBy } from "./label_choice.ts";
import { durableObject, type DurableObjectStorageLike } from "./stores/durable_object.ts";

/** A Durable Object as the Worker sees it. */
export interface DurableObjectStubLike {
  /** Sends a request to the object. */
  fetch(request: Request): Promise<Response>;
}

/** A binding of Durable Objects. */
export interface DurableObjectNamespaceLike {
  /** Returns the id that belongs to a name. */
  idFromName(name: string): unknown;
  /** Returns the object of an id. */
  get(id: unknown): DurableObjectStubLike;
}

/** The state of a Durable Object, as its constructor gets it. */
export interface DurableObjectStateLike {
  /** The object's own storage, with its alarm. */
  readonly storage: DurableObjectStorageLike & {
    /** Returns the time of the alarm, in milliseconds since the Unix epoch; null if there is none. */
    getAlarm(): Promise<number | null>;
    /** Sets the time of the alarm, in milliseconds since the Unix epoch. It replaces an earlier alarm. */
    setAlarm(timeMs: number): Promise<void>;
  };
}

/** Options of an aggregator on Cloudflare. */
export interface CloudflareAggregatorOptions extends Omit<AggregatorOptions, "store"> {
  /** The binding of the Durable Objects. */
  readonly namespace: DurableObjectNamespaceLike;
  /** The token that senders must send as `Authorization: Bearer ...`. With false, every client may send. */
  readonly token: string | false;
  /**
   * The number of Durable Objects. Each series belongs to one of them. Do not change it later: a series that moves to another object
   * begins again there, while the old object still sends it.
   * @default 1
   */
  readonly objects?: number | undefined;
}

/** The class and the Worker to export. */
export interface CloudflareAggregator<Env> {
  /** The class of the Durable Objects. */
  readonly Aggregator: new (state: DurableObjectStateLike, env: Env) => {
    fetch(request: Request): Promise<Response>;
    alarm(): Promise<void>;
  };
  /** The Worker, which passes each series to the object that it belongs to. */
  readonly worker: { fetch(request: Request, env: Env): Promise<Response> };
}

/**
 * Returns the class of the Durable Objects and the Worker in front of them. The objects send every `intervalMs`, by their alarm.
 *
 * @param configure returns the options; it is called once in each isolate and in each object
 * @example
 * ```ts
 * import { cloudflareAggregator, type DurableObjectNamespaceLike } from "k6-remote-write/gateway";
 *
 * interface Env {
 *   readonly AGGREGATOR: DurableObjectNamespaceLike;
 *   readonly TOKEN: string;
 *   readonly REMOTE_WRITE_URL: string;
 * }
 * const { Aggregator, worker } = cloudflareAggregator((env: Env) => ({
 *   namespace: env.AGGREGATOR,
 *   token: env.TOKEN,
 *   url: env.REMOTE_WRITE_URL,
 *   without: ["instance"],
 * }));
 * console.log(typeof Aggregator, typeof worker.fetch); // export the class by this name, and the Worker as default
 * ```
 */
export function cloudflareAggregator<Env>(
  configure: (env: Env) => CloudflareAggregatorOptions,
): CloudflareAggregator<Env> {
  if (typeof configure !== "function") throw unexpected("configure", configure, "a function that returns options");

  class Aggregator {
    readonly #aggregator: RemoteWriteAggregator;
    readonly #storage: DurableObjectStateLike["storage"];
    readonly #intervalMs: number;
    /** Whether this instance of the object knows that there is an alarm. */
    #hasAlarm = false;

    constructor({ storage }: DurableObjectStateLike, env: Env) {
      const { intervalMs = 15_000, ...options } = splitOptions(configure(env)).aggregation;
      this.#storage = storage;
      this.#intervalMs = intervalMs;
      // Objects have no timers of their own: the alarm flushes.
      this.#aggregator = new RemoteWriteAggregator({ ...options, intervalMs: 0, store: durableObject(storage) });
    }

    async fetch(request: Request): Promise<Response> {
      const response = await this.#aggregator.handle(request);
      if (!this.#hasAlarm) {
        this.#hasAlarm = true;
        // An alarm that is set already may be due earlier.
        if (await this.#storage.getAlarm() === null) await this.#storage.setAlarm(Date.now() + this.#intervalMs);
      }
      return response;
    }

    async alarm(): Promise<void> {
      await this.#aggregator.open();
      // The alarm is set before the flush, so that the next flush comes even if this one fails.
      this.#hasAlarm = this.#aggregator.stats.series > 0;
      if (this.#hasAlarm) await this.#storage.setAlarm(Date.now() + this.#intervalMs);
      const timer = new AbortController();
      const flushed = this.#aggregator.flush().finally(() => timer.abort());
      // The endpoint may be down for long. The next alarm sends newer values.
      await Promise.race([flushed, sleep(this.#intervalMs, timer.signal)]);
    }
  }

  let front: ((request: Request) => Promise<Response>) | undefined;
  return {
    Aggregator,
    worker: {
      fetch: (request, env) => (front ??= createFront(configure(env)))(request),
    },
  };
}

/** The options of the Worker and those of the objects. */
function splitOptions(
  options: CloudflareAggregatorOptions,
): {
  readonly front: Required<Pick<CloudflareAggregatorOptions, "namespace" | "token" | "objects">>;
  readonly aggregation: Omit<AggregatorOptions, "store">;
} {
  if (typeof options !== "object" || options === null) throw unexpected("options", options, "an object");
  const { namespace, token, objects = 1, ...aggregation } = options;
  if ("store" in aggregation) {
    throw new ConfigurationError("Cannot use the option store: the objects use their own storage, expected no store");
  }
  if (typeof namespace?.idFromName !== "function") {
    throw unexpected("namespace", namespace, "a binding of Durable Objects");
  }
  if (token !== false && (typeof token !== "string" || token === "")) {
    throw new ConfigurationError("Cannot use the option token: it is empty or missing, expected a string or false");
  }
  if (!Number.isSafeInteger(objects) || objects < 1) throw unexpected("objects", objects, "a whole number from 1");
  return { front: { namespace, token, objects }, aggregation };
}

/** Returns the handler of the Worker. */
function createFront(options: CloudflareAggregatorOptions): (request: Request) => Promise<Response> {
  const { front: { namespace, token, objects }, aggregation } = splitOptions(options);
  const { without = ["instance"], by, receiver } = aggregation;
  const stubOf = (index: number): DurableObjectStubLike => namespace.get(namespace.idFromName(`aggregator-${index}`));
  const isRemoved = isRemovedBy(by === undefined ? { without } : { by });
  const encoder = new EncoderV2();
  const buffer = new ByteBuffer();

  const post = (index: number, body: Uint8Array<ArrayBuffer>, proto: string): Promise<Response> =>
    stubOf(index).fetch(
      new Request("https://aggregator/api/v1/write", {
        method: "POST",
        headers: { "Content-Type": `application/x-protobuf;proto=${proto}`, "Content-Encoding": "snappy" },
        body,
      }),
    );

  async function distribute({ timeSeries, metadata }: ReceivedWrite): Promise<PartialWrite> {
    const parts: TimeSeries[][] = [];
    for (const series of timeSeries) {
      const index = hashOf(series.labels.filter(({ name }) => !isRemoved(name))) % objects;
      (parts[index] ??= []).push(series);
    }
    const reasons: string[] = [];
    const responses: Promise<Response>[] = [];
    if (metadata.size > 0) {
      const body = compress(encodeMetadataV1(metadata, buffer));
      for (let index = 0; index < objects; index++) responses.push(post(index, body, "prometheus.WriteRequest"));
    }
    parts.forEach((part, index) => {
      const onInvalid = ({ message }: Error, samples: number): void => void (samples > 0 && reasons.push(message));
      const [batch]: readonly (Batch | undefined)[] = batchesOf(part, { onInvalid });
      if (batch === undefined || batch.length === 0) return;
      const message = encoder.encode({ batch, from: 0, to: batch.length }, buffer);
      responses.push(post(index, compress(message), "io.prometheus.write.v2.Request"));
    });
    const written = { samples: 0, histograms: 0, exemplars: 0 };
    let busyMs = 0;
    for (const response of await Promise.all(responses)) {
      const text = await response.text();
      if (response.status === 429) busyMs = 1000 * Number(response.headers.get("Retry-After") ?? 1);
      else if (response.status >= 500) throw new Error(`An object answered ${response.status}: ${text.slice(0, 200)}`);
      else if (response.status >= 400) reasons.push(text.trim());
      const count = (kind: string): number =>
        Number(response.headers.get(`X-Prometheus-Remote-Write-${kind}-Written`) ?? 0);
      written.samples += count("Samples");
      written.histograms += count("Histograms");
    }
    // The sender sends the whole request again. The parts that the other objects have accepted then change nothing.
    if (busyMs > 0) throw new BusyError("Cannot accept the request: an object is full", { retryAfterMs: busyMs });
    return { written, reason: reasons[0] };
  }

  const receive = objects === 1
    ? (request: Request) => stubOf(0).fetch(request)
    : createReceiver({ ...receiver, onWrite: distribute });
  const secret = token === false ? undefined : `Bearer ${token}`;
  return async (request) => {
    // A browser asks for permission without the token.
    const isPreflight = request.method === "OPTIONS" && receiver?.cors !== undefined;
    if (secret === undefined || isPreflight || isSame(request.headers.get("Authorization") ?? "", secret)) {
      return await receive(request);
    }
    await request.body?.cancel().catch(() => {});
    return refuse(401, "Cannot accept the request: the token is missing or wrong", { "WWW-Authenticate": "Bearer" });
  };
}

/** Compares two strings in a time that does not depend on where they differ. */
function isSame(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let at = 0; at < secret.length; at++) difference |= (given.charCodeAt(at) || 0) ^ secret.charCodeAt(at);
  return difference === 0;
}

/** Returns a hash that is the same in every isolate and for every order of the labels. */
function hashOf(labels: readonly Label[]): number {
  return seriesKey(labels.filter(({ value }) => value !== ""));
}

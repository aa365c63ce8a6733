/**
 * Sends metadata to 1.0 receivers. In 1.0, metadata has requests of its own; in 2.0, each series carries its metadata.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Metadata } from "../model/time_series.ts";
import { isSameMetadata } from "../protocol/metadata_store.ts";
import type { EncodedSlice } from "./codec.ts";
import { isRefusalByEndpoint, type RequestResult, type Send } from "./request_result.ts";
import { settledWithin, type Sleep } from "./sleep.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { Warnings } from "./warnings.ts";

/** What a sender of metadata needs. */
interface MetadataSenderOptions {
  /** Sends a request with its retries. */
  readonly send: Send;
  /** Returns the body of a 1.0 request. */
  readonly encode: (metadata: ReadonlyMap<string, Metadata>) => EncodedSlice;
  /** Returns the version that the receiver gets now. */
  readonly version: () => ProtocolVersion;
  /** How many metrics a request may contain. */
  readonly maxSamplesPerSend: number;
  /** The compressed size of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** The size of a request before compression, in bytes. */
  readonly maxDecodedBytes: number;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly sleep: Sleep;
  readonly warnings: Warnings;
}

/** How often all metadata is sent, as in Prometheus: receivers forget it, and restart. */
const periodMs = 60_000;

/** How long a request is tried, in milliseconds. A caller should not wait longer, because metadata is sent again in a minute. */
const deadlineMs = 5_000;

type Entry = readonly [name: string, metadata: Metadata];

/** Sends what is known at the start, then what is new, and everything once a minute. Failures are no loss of samples. */
export class MetadataSender {
  readonly #options: MetadataSenderOptions;
  /** What was sent in this minute, or is being sent. */
  readonly #sent = new Map<string, Metadata>();
  #sentAt = -Infinity;
  #refused = false;
  readonly #pending = new Set<Promise<void>>();
  /** By when all requests that have begun end, on the clock of deadlines, unless they never do. */
  #endsAtMs = -Infinity;

  constructor(options: MetadataSenderOptions) {
    this.#options = options;
  }

  /** Sends what is due, unless another call is sending it. Resolves when it is sent or given up; never rejects. */
  flush(metadata: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    const flushing = this.#flush(metadata, signal).finally(() => this.#pending.delete(flushing));
    this.#pending.add(flushing);
    return flushing;
  }

  /** Resolves when the requests that are under way have ended. In workerd, they never do if their own request was cancelled. */
  async settled(): Promise<void> {
    const { monotonicNow, sleep } = this.#options;
    while (this.#pending.size > 0 && monotonicNow() < this.#endsAtMs) {
      await settledWithin(Promise.all(this.#pending), this.#endsAtMs - monotonicNow(), sleep);
    }
  }

  async #flush(metadata: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    const { monotonicNow, version, warnings } = this.#options;
    if (this.#refused || version() !== "1.0") return;
    if (monotonicNow() >= this.#sentAt + periodMs) {
      this.#sent.clear();
      this.#sentAt = monotonicNow();
    }
    const due = [...metadata].filter(([name, metadata]) => !isSameMetadata(this.#sent.get(name), metadata));
    if (due.length === 0) return;
    for (const [name, metadata] of due) this.#sent.set(name, metadata);
    const result = await this.#send(due, signal);
    if (result.kind === "failed") {
      warnings.once(`Metadata could not be sent (${result.reason}); the sender tries again within a minute.`);
    } else if (result.kind === "rejected" && result.status !== 429 && !isRefusalByEndpoint(result)) {
      this.#refused = true;
      warnings.once(`The receiver does not accept metadata (${result.reason}); the sender sends none any more.`);
    } else if (result.kind !== "written") {
      // The next call tries again. Samples that meet the same problem report it themselves.
      for (const [name] of due) this.#sent.delete(name);
    }
  }

  /** Sends entries in as many requests as their size needs, until one is not accepted. Returns the result of the last request. */
  async #send(entries: readonly Entry[], signal: AbortSignal): Promise<RequestResult> {
    const { encode, maxSamplesPerSend, maxBodyBytes, maxDecodedBytes, send, monotonicNow, timeoutMs } = this.#options;
    const { body, decodedBytes } = encode(new Map(entries));
    const isTooLarge = entries.length > maxSamplesPerSend || body.length > maxBodyBytes ||
      decodedBytes > maxDecodedBytes;
    if (isTooLarge && entries.length > 1) {
      const middle = entries.length >> 1;
      const first = await this.#send(entries.slice(0, middle), signal);
      return first.kind === "written" ? await this.#send(entries.slice(middle), signal) : first;
    }
    const retryUntilMs = monotonicNow() + deadlineMs;
    this.#endsAtMs = retryUntilMs + timeoutMs;
    const retries = { attempt: 0, resent: false, maxServerErrors: Infinity, retryUntilMs };
    return await send({ version: "1.0", body, samples: 0, ...retries }, signal);
  }
}

/**
 * Sends metadata to 1.0 receivers. In 1.0, metadata has requests of its own; in 2.0, each series carries its metadata.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Metadata } from "../model/time_series.ts";
import type { EncodedSlice } from "./codec.ts";
import { isRefusalByEndpoint, type Send } from "./request_result.ts";
import { settledWithin, type Sleep } from "./sleep.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { Warnings } from "./warnings.ts";

/** What a sender of metadata needs. */
export interface MetadataSenderOptions {
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
  readonly sleep: Sleep;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly warnings: Warnings;
}

/** As in Prometheus: receivers forget metadata, and restart. */
const periodMs = 60_000;

/** A caller need not wait longer for something that is sent again in a minute. */
const deadlineMs = 5_000;

type Entry = readonly [name: string, metadata: Metadata];

/** Sends what is known at the start, then what is new, and everything once a minute. Failures are no loss of samples. */
export class MetadataSender {
  readonly #options: MetadataSenderOptions;
  /** What was sent in this minute. */
  readonly #sent = new Map<string, Metadata>();
  #sentAt = -Infinity;
  #refused = false;
  #last: Promise<void> = Promise.resolve();
  #busyUntilMs = -Infinity;

  constructor(options: MetadataSenderOptions) {
    this.#options = options;
  }

  /** Sends what is due. Resolves when it is sent or given up; never rejects. */
  flush(metadata: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    const before = this.#last;
    this.#extend();
    return this.#last = this.#ended(before).then(() => this.#flush(metadata, signal));
  }

  /** Takes note that a request may be under way for this long. */
  #extend(): void {
    const { monotonicNow, timeoutMs } = this.#options;
    this.#busyUntilMs = monotonicNow() + deadlineMs + timeoutMs;
  }

  /** Resolves when a flush has ended. In workerd, it never ends if its request was cancelled. */
  async #ended(flush: Promise<void>): Promise<void> {
    const { monotonicNow, sleep } = this.#options;
    let isEnded = false;
    const ended = flush.then(() => void (isEnded = true));
    do {
      await settledWithin(ended, this.#busyUntilMs - monotonicNow(), sleep);
    } while (!isEnded && monotonicNow() < this.#busyUntilMs);
  }

  /** Resolves when no request is under way. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #flush(metadata: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    const { monotonicNow, version, maxSamplesPerSend } = this.#options;
    if (this.#refused || version() !== "1.0") return;
    if (monotonicNow() >= this.#sentAt + periodMs) {
      this.#sent.clear();
      this.#sentAt = monotonicNow();
    }
    const due = [...metadata].filter(([name, { type, help, unit }]) => {
      const sent = this.#sent.get(name);
      return type !== sent?.type || help !== sent.help || unit !== sent.unit;
    });
    for (let from = 0; from < due.length; from += maxSamplesPerSend) {
      if (!await this.#send(due.slice(from, from + maxSamplesPerSend), signal)) return;
    }
  }

  /** Sends entries in as many requests as their size needs. Returns false if the rest need not be tried. */
  async #send(entries: readonly Entry[], signal: AbortSignal): Promise<boolean> {
    const { encode, maxBodyBytes, maxDecodedBytes, send, monotonicNow, warnings } = this.#options;
    const { body, decodedBytes } = encode(new Map(entries));
    if (entries.length > 1 && (body.length > maxBodyBytes || decodedBytes > maxDecodedBytes)) {
      const middle = entries.length >> 1;
      return await this.#send(entries.slice(0, middle), signal) && await this.#send(entries.slice(middle), signal);
    }
    for (const [name, metadata] of entries) this.#sent.set(name, metadata);
    const retries = { attempt: 0, resent: false, maxServerErrors: Infinity, retryUntilMs: monotonicNow() + deadlineMs };
    this.#extend();
    const result = await send({ version: "1.0", body, samples: 0, ...retries }, signal);
    if (isRefusalByEndpoint(result) || (result.kind === "rejected" && result.status === 429)) {
      // Samples that meet the same problem report it themselves.
      for (const [name] of entries) this.#sent.delete(name);
    } else if (result.kind === "rejected") {
      this.#refused = true;
      warnings.once(`The receiver does not accept metadata (${result.reason}); the sender sends none any more.`);
    } else if (result.kind === "failed") {
      // Samples that meet the same problem report it themselves.
      warnings.once(`Metadata could not be sent (${result.reason}); the sender tries again within a minute.`);
    } else if (result.kind !== "written") {
      for (const [name] of entries) this.#sent.delete(name);
    }
    return result.kind === "written";
  }
}

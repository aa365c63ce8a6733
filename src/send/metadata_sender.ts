/**
 * Tells 1.0 receivers what metrics mean: in requests of their own, as 1.0 has no place for it beside the samples. In 2.0 each
 * series carries its metadata.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Metadata } from "../model/time_series.ts";
import type { EncodedSlice } from "./codec.ts";
import { sendDefaults } from "./defaults.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { Send } from "./request_result.ts";
import type { Warnings } from "./warnings.ts";

/** How to tell. */
export interface MetadataSenderOptions {
  /** Sends a request, retries included. */
  readonly send: Send;
  /** Makes the body of a 1.0 request. */
  readonly encode: (families: ReadonlyMap<string, Metadata>) => EncodedSlice;
  /** The version that the receiver gets now. */
  readonly version: () => ProtocolVersion;
  /** Metric families of a request at most. */
  readonly maxFamiliesPerSend: number;
  /** Compressed size of a request at most, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** Size of a request before compression at most, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number;
  /** Milliseconds; the clock of the retries. */
  readonly now: () => number;
  readonly warnings: Warnings;
}

/** As Prometheus: receivers forget, and restart. */
const periodMs = 60_000;

/** Nobody waits longer for what comes again in a minute. */
const deadlineMs = 5_000;

/** Sends what is known at the start, what is new as it comes, and all of it each minute. Nothing of it counts as a loss. */
export class MetadataSender {
  readonly #options: MetadataSenderOptions;
  /** What was sent in this minute. */
  readonly #sent = new Map<string, Metadata>();
  #sentAt = -Infinity;
  #refused = false;
  #last: Promise<void> = Promise.resolve();

  constructor(options: MetadataSenderOptions) {
    this.#options = options;
  }

  /** Sends what is due, if anything. Resolves when that is done or given up; never rejects. */
  flush(families: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    return this.#last = this.#last.then(() => this.#flush(families, signal));
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #flush(families: ReadonlyMap<string, Metadata>, signal: AbortSignal): Promise<void> {
    const { now, version, maxFamiliesPerSend } = this.#options;
    if (this.#refused || version() !== "1.0") return;
    if (now() >= this.#sentAt + periodMs) {
      this.#sent.clear();
      this.#sentAt = now();
    }
    const due = [...families].filter(([name, metadata]) => !isSame(metadata, this.#sent.get(name)));
    for (let from = 0; from < due.length; from += maxFamiliesPerSend) {
      if (!await this.#sendPart(due.slice(from, from + maxFamiliesPerSend), signal)) return;
    }
  }

  /** In as many requests as their sizes need. False if the rest need not be tried. */
  async #sendPart(part: readonly (readonly [string, Metadata])[], signal: AbortSignal): Promise<boolean> {
    const { encode, maxBodyBytes = sendDefaults.maxBodyBytes, maxDecodedBytes = sendDefaults.maxDecodedBytes } =
      this.#options;
    const { body, decodedBytes } = encode(new Map(part));
    if (part.length > 1 && (body.length > maxBodyBytes || decodedBytes > maxDecodedBytes)) {
      const middle = part.length >> 1;
      return await this.#sendPart(part.slice(0, middle), signal) && await this.#sendPart(part.slice(middle), signal);
    }
    for (const [name, metadata] of part) this.#sent.set(name, metadata);
    return await this.#send(body, { names: part.map(([name]) => name), signal });
  }

  /** False if the rest need not be tried. */
  async #send(
    body: Uint8Array<ArrayBuffer>,
    { names, signal }: { readonly names: readonly string[]; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { send, now, warnings } = this.#options;
    const outcome = await send({ version: "1.0", body, samples: 0, retryUntilMs: now() + deadlineMs }, signal);
    switch (outcome.kind) {
      case "written":
        return true;
      case "rejected":
        this.#refused = true;
        warnings.once(`The receiver does not take metadata (${outcome.reason}); it gets none any more.`);
        return false;
      case "failed":
        // Samples that meet the same trouble say so themselves; this is tried again within a minute.
        warnings.once(`Metadata could not be sent (${outcome.reason}); it is sent again within a minute.`);
        return false;
      default:
        for (const name of names) this.#sent.delete(name);
        return false;
    }
  }
}

function isSame(a: Metadata, b: Metadata | undefined): boolean {
  return a.type === b?.type && a.help === b.help && a.unit === b.unit;
}

/**
 * Sends snapshots of cumulative values in order, and keeps them while the endpoint is down.
 *
 * @module
 */
import type { RemoteWriteClient } from "../client/remote_write_client.ts";
import { isRemoteWriteError, reasonOf } from "../model/errors.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { ReportBuilder } from "../send/report_builder.ts";
import { abortAfter, type Sleep } from "../send/sleep.ts";
import type { Warnings } from "../send/warnings.ts";

/** What a sender of snapshots needs. */
interface SnapshotSenderOptions {
  readonly client: RemoteWriteClient;
  /** The most samples that may wait. */
  readonly capacity: number;
  readonly sleep: Sleep;
  /** Receives a warning if a snapshot cannot be sent at all. */
  readonly warnings: Warnings;
}

/** Keeps the snapshots that are not delivered, oldest first. */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #report = new ReportBuilder();
  #pending: (readonly TimeSeries[])[] = [];
  #sending: Promise<string | undefined> | undefined;
  /** Aborts the attempt that is under way. */
  #controller = new AbortController();
  /** The report of the last attempt to send the oldest snapshot. */
  #failure: DeliveryReport | undefined;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** Adds a snapshot. If too many samples wait, every second snapshot is given up, but never the newest: only resolution is lost. */
  add(snapshot: readonly TimeSeries[]): void {
    if (snapshot.length === 0) return;
    this.#pending.push(snapshot);
    let waiting = this.#pending.reduce((sum, { length }) => sum + length, 0);
    while (waiting > this.#options.capacity && this.#pending.length > 2) {
      const kept = this.#pending.filter((_, index) => (this.#pending.length - 1 - index) % 2 === 0 || index === 0);
      const keptSamples = kept.reduce((sum, { length }) => sum + length, 0);
      this.#report.countMerged(waiting - keptSamples);
      this.#pending = kept;
      waiting = keptSamples;
    }
  }

  /**
   * Sends what waits. Resolves when it is delivered, or the endpoint fails for longer than the client tries. Never rejects.
   *
   * @returns why not everything was delivered; undefined if everything was
   */
  send(): Promise<string | undefined> {
    return this.#sending ??= this.#send().finally(() => this.#sending = undefined);
  }

  async #send(): Promise<string | undefined> {
    let problem: string | undefined;
    for (let [snapshot] = this.#pending; snapshot !== undefined; [snapshot] = this.#pending) {
      const report = await this.#write(snapshot);
      const { samples, delivered, reasons: [first] } = report;
      if (delivered < samples) {
        problem ??= `Cannot deliver ${samples - delivered} of ${samples} samples: ${first?.reason ?? "aborted"}`;
      }
      if (report.failed + report.deferred > 0) {
        this.#failure = report;
        return problem;
      }
      this.#settle(report);
    }
    return problem;
  }

  async #write(snapshot: readonly TimeSeries[]): Promise<DeliveryReport> {
    const { client, warnings } = this.#options;
    try {
      return await client.write(snapshot, {
        signal: this.#controller.signal,
        onInvalid: ({ message }) => warnings.once(`${message}. It is left out.`),
      });
    } catch (error) {
      // The client itself warns of what was not delivered.
      if (isRemoteWriteError(error, "delivery")) return error.report;
      warnings.once(`Dropped ${snapshot.length} samples: ${reasonOf(error)}`);
      const dropped = new ReportBuilder();
      dropped.count("dropped", snapshot.length, reasonOf(error));
      return dropped.report();
    }
  }

  #settle(report: DeliveryReport): void {
    this.#report.add(report);
    this.#pending.shift();
    this.#failure = undefined;
  }

  /** Sends what waits for half of the time. Then it gives up all but the newest snapshot, and tries that one until the end. */
  async close(timeoutMs: number): Promise<DeliveryReport> {
    for (const isLast of [false, true]) {
      const clear = abortAfter(timeoutMs / 2, this.#controller, { sleep: this.#options.sleep });
      // The attempt under way has an older snapshot.
      await this.#sending;
      await this.send();
      clear();
      if (isLast || this.#pending.length === 0) break;
      this.#report.countMerged(this.#pending.slice(0, -1).reduce((sum, { length }) => sum + length, 0));
      this.#pending = this.#pending.slice(-1);
      this.#controller = new AbortController();
    }
    return this.finish();
  }

  /** Counts what still waits as it failed last, and returns the report of all snapshots. */
  finish(): DeliveryReport {
    if (this.#failure !== undefined) this.#settle(this.#failure);
    return this.#report.report();
  }
}

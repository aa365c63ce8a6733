/**
 * Sends windows so that a run that is broken off at any moment can be continued.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { mergeReports } from "../../send/report_builder.ts";
import type { PushOptions } from "../../send/write_queue.ts";

/** A window after it was sent. A window is what one flush takes, if that is anything. */
export interface SettledWindow {
  /** From 0, in order. */
  readonly index: number;
  /** The receiver has it, but for what it refused. If not, nothing more is sent. */
  readonly acknowledged: boolean;
}

/** How to make a run that can be continued; it needs the same samples and options again, and windows by event time. */
export interface CheckpointOptions {
  /**
   * How many windows an earlier run is known to have sent. They are aggregated and not sent again; the window after them
   * may have been sent as well, so that what is refused of it counts as unknown. Undefined for a first run.
   */
  readonly windowsSent?: number | undefined;
  /**
   * Called after each window. The next one is sent when it has resolved, so that at most one window is sent and not known
   * to be; if it throws, nothing more is sent.
   */
  onWindow(window: SettledWindow): void | Promise<void>;
}

/** Counts windows, and lets each wait for the one before. */
export class CheckpointedWindows {
  readonly #options: CheckpointOptions;
  #count = 0;
  #recorded: Promise<void> | undefined;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /**
   * Sends the next window, unless it was sent before.
   *
   * @param push puts it into the queue
   */
  async send(push: (options: PushOptions) => Promise<DeliveryReport>): Promise<DeliveryReport> {
    const index = this.#count++;
    const { windowsSent } = this.#options;
    if (windowsSent !== undefined && index < windowsSent) return mergeReports([]);
    const pushed = push({ after: this.#recorded, sentBefore: index === windowsSent });
    this.#recorded = pushed.then((report) => this.#record(index, report));
    // Who waits for it is told; it is no error if nobody does.
    this.#recorded.catch(() => {});
    return await pushed;
  }

  /** Resolves when the last window is recorded, or will not be. */
  async settle(): Promise<void> {
    await this.#recorded?.catch(() => {});
  }

  async #record(index: number, { failed, dropped, deferred }: DeliveryReport): Promise<void> {
    // What was refused, also on a retry, was answered.
    const acknowledged = failed + dropped + deferred === 0;
    await this.#options.onWindow({ index, acknowledged });
    if (!acknowledged) throw new Error(`Cannot go on: window ${index} is not acknowledged`);
  }
}

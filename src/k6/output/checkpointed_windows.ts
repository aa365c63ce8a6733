/**
 * Sends windows so that a run can be continued after an interruption at any moment.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { mergeReports } from "../../send/report_builder.ts";
import type { PushOptions } from "../../send/write_queue.ts";

/** Makes a run that can be continued with the same samples and options. It needs windows by event time. */
export interface CheckpointOptions {
  /**
   * How many windows an earlier run certainly sent. They are aggregated again but not sent. The window after them may have been sent
   * as well, so that samples of it that are refused count as unknown. Undefined for a first run.
   */
  readonly windowsSent?: number | undefined;
  /**
   * Called after each window. The next window is sent after it has resolved, so that at most one window is sent but not recorded. If
   * it throws, nothing more is sent.
   */
  onWindow(
    window: {
      /** The number of the window, from 0. A window holds what one flush sends; a flush that sends nothing makes no window. */
      readonly index: number;
      /** Whether the receiver answered for every sample (it may have refused some). If not, nothing more is sent. */
      readonly acknowledged: boolean;
    },
  ): void | Promise<void>;
}

/** Counts windows, and sends each one after the window before it is recorded. */
export class CheckpointedWindows {
  readonly #options: CheckpointOptions;
  #count = 0;
  #recorded: Promise<void> | undefined;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /**
   * Sends the next window, unless an earlier run sent it.
   *
   * @param push puts the window into the queue
   */
  async send(push: (options: PushOptions) => Promise<DeliveryReport>): Promise<DeliveryReport> {
    const index = this.#count++;
    const { windowsSent } = this.#options;
    if (windowsSent !== undefined && index < windowsSent) return mergeReports([]);
    const pushed = push({ after: this.#recorded, sentBefore: index === windowsSent });
    this.#recorded = pushed.then((report) => this.#record(index, report));
    // Callers that wait for it get the error; without them it is no error.
    this.#recorded.catch(() => {});
    return await pushed;
  }

  /** Resolves when the last window is recorded, or cannot be. */
  async settle(): Promise<void> {
    await this.#recorded?.catch(() => {});
  }

  async #record(index: number, { failed, dropped, deferred }: DeliveryReport): Promise<void> {
    // Samples that were refused, also on a retry, were answered.
    const acknowledged = failed + dropped + deferred === 0;
    await this.#options.onWindow({ index, acknowledged });
    if (!acknowledged) throw new Error(`Cannot go on: window ${index} was not acknowledged`);
  }
}

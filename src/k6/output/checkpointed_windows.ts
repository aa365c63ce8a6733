/**
 * Sends windows in such a way that a run can be continued after an interruption at any moment.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { mergeReports } from "../../send/report_builder.ts";
import type { PushOptions } from "../../send/write_queue.ts";

/** Makes a run that can be continued with the same samples and options. It requires `windows: "event"`. */
export interface CheckpointOptions {
  /**
   * The number of windows that an earlier run certainly sent. They are aggregated again, but not sent. The earlier run may also have
   * sent the window after them, so refused samples of that window count as unknown.
   * @default none: this is the first run
   */
  readonly windowsSent?: number | undefined;
  /**
   * Called after each window. The output sends the next window when it has resolved, so that at most one window is sent but not
   * recorded. If it throws, the output sends nothing more.
   */
  onWindow(
    window: {
      /** The number of the window, from 0. A window is what one flush sends; a flush that sends nothing makes no window. */
      readonly index: number;
      /**
       * Whether every sample of the window has a final outcome: delivered, unknown, or rejected. A sample is also rejected, without
       * being sent, if the receiver refused its series before. If false, the output sends nothing more.
       */
      readonly acknowledged: boolean;
    },
  ): void | Promise<void>;
}

/** Counts windows, and sends each window when the window before it is recorded. */
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
   * @param push adds the window to the queue
   */
  async send(push: (options: PushOptions) => Promise<DeliveryReport>): Promise<DeliveryReport> {
    const index = this.#count++;
    const { windowsSent } = this.#options;
    if (windowsSent !== undefined && index < windowsSent) return mergeReports([]);
    const pushed = push({ after: this.#recorded, sentBefore: index === windowsSent });
    this.#recorded = pushed.then((report) => this.#record(index, report));
    // The next window waits for it and gets the error. Without a next window, the error must not be an unhandled rejection.
    this.#recorded.catch(() => {});
    return await pushed;
  }

  /** Resolves when the last window is recorded or its recording has failed. */
  async settle(): Promise<void> {
    await this.#recorded?.catch(() => {});
  }

  async #record(index: number, { failed, dropped, deferred }: DeliveryReport): Promise<void> {
    // A later run does not send the other samples either: a refusal is final, even if an earlier attempt may have stored them.
    const acknowledged = failed + dropped + deferred === 0;
    await this.#options.onWindow({ index, acknowledged });
    if (!acknowledged) throw new Error(`Cannot go on: window ${index} was not acknowledged`);
  }
}

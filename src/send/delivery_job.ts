/**
 * A batch that is being delivered: what is left to send, and what happened to the rest.
 *
 * @module
 */
import type { DeliveryReport, Outcome } from "../model/delivery_report.ts";
import type { Batch, BatchSlice } from "../protocol/batch.ts";
import type { Search } from "./bisect.ts";
import { ReportBuilder } from "./report_builder.ts";

/** The floats or the native histograms of a request that was answered 500. */
interface KindSplit {
  /** Whether the receiver answered the floats with anything else. */
  floatsAnswered: boolean;
}

/** Samples that are sent in one request, if they fit. */
export interface RequestRange extends BatchSlice {
  /** Whether a request with these samples may have been stored. */
  readonly unknown: boolean;
  /** Whether a request with these samples was sent. */
  readonly resent: boolean;
  /** How many times exactly this range was sent. */
  readonly attempts: number;
  /** The search for bad series that this range belongs to. */
  readonly search: Search | undefined;
  /**
   * Whether all its series are in quarantine: `held` until the good series are sent, then `probe` if they are tried again, or
   * `searched` if they are also cut.
   */
  readonly quarantine: "held" | "probe" | "searched" | undefined;
  /** The other part of the request that this range comes from, if its floats and histograms are sent separately. */
  readonly kinds: KindSplit | undefined;
}

/** The ranges of a batch. They are sent one after the other, so that the samples of each series stay in order. */
export class DeliveryJob {
  /** The batch, without the samples that newer batches replaced. */
  batch: Batch;
  /** The start of the deadline. It is set when sending begins, and again after each answer. */
  startMs: number | undefined;
  /** Whether sending began, so that the batch must not be merged any more. */
  isOpen = false;
  /** Since when a 500 lasts, so that the endpoint may be down. */
  suspectMs: number | undefined;
  /** Whether another batch is sent first, to find out whether the endpoint is down. */
  isPostponed = false;
  /** How many samples failed although they cannot be stored, because the endpoint refused all requests. */
  unread = 0;
  /** The ranges that are left; the next one is the last element. */
  ranges: RequestRange[];
  /** What happened to samples since the last report. */
  report: ReportBuilder = new ReportBuilder();

  /** @param options `unknown`: whether the samples may have been stored by an earlier run */
  constructor(slice: BatchSlice, { unknown = false }: { readonly unknown?: boolean } = {}) {
    this.batch = slice.batch;
    const rest = { attempts: 0, search: undefined, quarantine: undefined, kinds: undefined };
    this.ranges = slice.from === slice.to ? [] : [{ ...slice, unknown, resent: unknown, ...rest }];
  }

  /** The range to send next; undefined if nothing is left. */
  get next(): RequestRange | undefined {
    return this.ranges.at(-1);
  }

  /** Whether newer samples of the same series and of the same search follow the next range. */
  get hasNewer(): boolean {
    const [after, range] = this.ranges.slice(-2);
    return range !== undefined && after !== undefined && after.search === range.search &&
      after.batch.keyAt(after.from) === range.batch.keyAt(range.from);
  }

  /** Finishes the next range, with the outcomes of its samples. */
  settle(...outcomes: readonly (readonly [outcome: Outcome, samples: number, reason?: string])[]): void {
    this.ranges.pop();
    for (const outcome of outcomes) this.report.count(...outcome);
  }

  /** Keeps the next range, to be sent again. */
  again(changes: Partial<RequestRange>): void {
    this.replace(changes, {});
  }

  /** Cuts the next range in two. */
  cut(at: number, changes: Partial<RequestRange> = {}): void {
    this.replace({ attempts: 0, ...changes }, { to: at }, { from: at });
  }

  /** Replaces the next range by parts, which are sent in this order. */
  replace(changes: Partial<RequestRange>, ...parts: readonly Partial<RequestRange>[]): void {
    const range = this.ranges.pop();
    if (range === undefined) return;
    const whole = parts.map((part) => ({ ...range, ...changes, ...part }));
    this.ranges.push(...whole.filter(({ from, to }) => from < to).reverse());
  }

  /** How many of the samples that are left may have been stored. */
  get perhapsStored(): number {
    return samplesOf(this.ranges.filter(({ unknown }) => unknown));
  }

  /** Ends the job. Samples that may have been stored have failed; the others get this outcome. Returns both counts. */
  abandon(outcome: Outcome, reason: string): { readonly abandoned: number; readonly failed: number } {
    const failed = this.perhapsStored;
    const abandoned = this.#left - failed;
    this.next?.search?.end();
    this.ranges = [];
    this.report.count(outcome, abandoned, reason);
    this.report.count("failed", failed, reason);
    return { abandoned, failed };
  }

  /** Returns what happened to samples since the last report. Samples without an outcome count as deferred. */
  takeReport(): DeliveryReport {
    const { report } = this;
    this.report = new ReportBuilder();
    report.count("deferred", this.#left);
    return report.report();
  }

  /** How many samples have no outcome yet. */
  get #left(): number {
    return samplesOf(this.ranges) + (this.next?.search?.doubtful ?? 0);
  }
}

/** Returns how many samples ranges have. */
export function samplesOf(ranges: readonly RequestRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

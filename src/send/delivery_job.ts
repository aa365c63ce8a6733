/**
 * A batch that is being delivered: what is left to send, and what happened to the rest.
 *
 * @module
 */
import type { DeliveryReport, Outcome } from "../model/delivery_report.ts";
import type { Batch, BatchSlice } from "../protocol/batch.ts";
import type { Search } from "./bisect.ts";
import { ReportBuilder } from "./report_builder.ts";

/** Samples that are sent in one request, if they fit. */
export interface RequestRange {
  /** The first index. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
  /** Whether a request with these samples may have been stored. */
  readonly unknown: boolean;
  /** Whether a request with these samples was sent. */
  readonly resent: boolean;
  /** How many times exactly this range was sent. */
  readonly attempts: number;
  /** The search for bad series that this range belongs to. */
  readonly search: Search | undefined;
}

/** The ranges of a batch. They are sent one after the other, so that the samples of each series stay in order. */
export class DeliveryJob {
  readonly batch: Batch;
  /** The start of the deadline. It is set when sending begins, and again after each answer. */
  startMs: number | undefined;
  /** What is left; the next range is the last element. */
  readonly #ranges: RequestRange[];
  /** What happened to samples since the last report. */
  report: ReportBuilder = new ReportBuilder();

  /** @param options `unknown`: whether the samples may have been stored by an earlier run */
  constructor({ batch, from, to }: BatchSlice, { unknown = false }: { readonly unknown?: boolean } = {}) {
    this.batch = batch;
    this.#ranges = from === to ? [] : [{ from, to, unknown, resent: unknown, attempts: 0, search: undefined }];
  }

  /** The range to send next; undefined if nothing is left. */
  get next(): RequestRange | undefined {
    return this.#ranges.at(-1);
  }

  /** Finishes the next range, with the outcomes of its samples. */
  settle(...outcomes: readonly (readonly [outcome: Outcome, samples: number, reason?: string])[]): void {
    this.#ranges.pop();
    for (const outcome of outcomes) this.report.count(...outcome);
  }

  /** Keeps the next range, to be sent again. */
  again(changes: Partial<RequestRange>): void {
    const range = this.#ranges.pop();
    if (range !== undefined) this.#ranges.push({ ...range, ...changes });
  }

  /** Cuts the next range in two. */
  cut(at: number, changes: Partial<RequestRange> = {}): void {
    const range = this.#ranges.pop();
    if (range === undefined) return;
    const part = { ...range, ...changes, attempts: 0 };
    this.#ranges.push({ ...part, from: at }, { ...part, to: at });
  }

  /** Sends nothing more. Samples that may have been stored have failed; the others get this outcome. Returns both counts. */
  abandon(outcome: Outcome, reason: string): { readonly abandoned: number; readonly failed: number } {
    const failed = count(this.#ranges.filter(({ unknown }) => unknown));
    const abandoned = count(this.#ranges) - failed;
    this.#ranges.length = 0;
    this.report.count(outcome, abandoned, reason);
    this.report.count("failed", failed, reason);
    return { abandoned, failed };
  }

  /** Returns what happened to samples since the last report. What is left counts as deferred. */
  takeReport(): DeliveryReport {
    const { report } = this;
    this.report = new ReportBuilder();
    report.count("deferred", count(this.#ranges));
    return report.report();
  }
}

function count(ranges: readonly RequestRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

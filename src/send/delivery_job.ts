/**
 * A batch on its way: what of it is still to be sent, and what became of the rest.
 *
 * @module
 */
import type { Batch, BatchSlice } from "../protocol/batch.ts";
import type { DeliveryReport, Outcome } from "../model/delivery_report.ts";
import { ReportBuilder } from "./report_builder.ts";

/** The search for the bad samples of one refused request. */
export interface Bisection {
  /** How many requests it may still take. */
  requestsLeft: number;
}

/** Samples that are to be sent in one request, if they fit. */
export interface RequestRange {
  /** First index. */
  readonly from: number;
  /** Index after the last. */
  readonly to: number;
  /** A request with them may have been stored. */
  readonly unknown: boolean;
  /** A request with them was sent. */
  readonly resent: boolean;
  /** How many times just they were sent. */
  readonly attempts: number;
  /** The search they are part of. */
  readonly bisection: Bisection | undefined;
}

/** The pieces of a batch, to be sent one after the other, so that each series' samples stay in order. */
export class DeliveryJob {
  readonly batch: Batch;
  /** From when on the time for retries counts, on their clock; set when sending begins, anew after each answer. */
  startMs: number | undefined;
  /** The next one last. */
  readonly #pieces: RequestRange[];
  #tally = new ReportBuilder();

  /** @param options whether it may have been stored already */
  constructor({ batch, from, to }: BatchSlice, { unknown = false }: { readonly unknown?: boolean } = {}) {
    this.batch = batch;
    this.#pieces = from === to ? [] : [{ from, to, unknown, resent: unknown, attempts: 0, bisection: undefined }];
  }

  /** What to send next; undefined if nothing is left. */
  get next(): RequestRange | undefined {
    return this.#pieces.at(-1);
  }

  /** How many samples are left. */
  get remaining(): number {
    return this.#pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** Counts what a request took. */
  countRequest(request: { readonly attempts: number; readonly bodyBytes: number }): void {
    this.#tally.countRequest(request);
  }

  /** The next piece is done: so many of its samples met each outcome. */
  settle(outcomes: readonly (readonly [outcome: Outcome, samples: number, reason?: string])[]): void {
    this.#pieces.pop();
    for (const [outcome, samples, reason] of outcomes) this.#tally.count(outcome, samples, reason);
  }

  /** The next piece is to be sent again. */
  again(changes: Partial<RequestRange>): void {
    const piece = this.#pieces.pop();
    if (piece !== undefined) this.#pieces.push({ ...piece, ...changes });
  }

  /** Cuts the next piece in two. */
  cut(at: number, changes: Partial<RequestRange> = {}): void {
    const piece = this.#pieces.pop();
    if (piece === undefined) return;
    const part = { ...piece, ...changes, attempts: 0 };
    this.#pieces.push({ ...part, from: at }, { ...part, to: at });
  }

  /** Nothing more is sent: what is left meets this outcome; what was sent before has failed. Says how many of each. */
  abandon(outcome: Outcome, reason: string): { readonly abandoned: number; readonly failed: number } {
    const { remaining } = this;
    const failed = this.#pieces.reduce((sum, piece) => sum + (piece.unknown ? piece.to - piece.from : 0), 0);
    const abandoned = remaining - failed;
    this.#pieces.length = 0;
    this.#tally.count(outcome, abandoned, reason);
    this.#tally.count("failed", failed, reason);
    return { abandoned, failed };
  }

  /** What became of the samples since the report before; what is left is deferred as yet. */
  takeReport(): DeliveryReport {
    const tally = this.#tally;
    this.#tally = new ReportBuilder();
    tally.count("deferred", this.remaining);
    return tally.report();
  }
}

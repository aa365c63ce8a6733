/**
 * A batch of a queue: a newer batch may replace a part of it, and another call may take it over.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import { DeliveryJob, samplesOf } from "./delivery_job.ts";
import { ReportBuilder } from "./report_builder.ts";

/** A job that is sent in several flushes. */
export class QueuedJob extends DeliveryJob {
  /**
   * Leaves out what is left of the series with these keys, because a newer batch has them. Returns how many samples, and how many of them may have
   * been stored: these count as unknown.
   */
  leaveOut(keys: ReadonlySet<number>): { readonly leftOut: number; readonly unknown: number } {
    const [before, unknownBefore] = [samplesOf(this.ranges), this.perhapsStored];
    const rest = new Batch();
    this.ranges = this.ranges.reverse().flatMap((range) => {
      const { batch, from, to, search } = range;
      // A search judges all its samples together.
      const isJudgedLater = search !== undefined && search.doubtful > 0;
      const kept = new Batch();
      for (let index = from; index < to; index++) {
        if (keys.has(batch.keyAt(index)) && !isJudgedLater) continue;
        kept.copy(batch, index);
        rest.copy(batch, index);
      }
      if (kept.length === to - from) return [range];
      return kept.length === 0 ? [] : [{ ...range, batch: kept, from: 0, to: kept.length, attempts: 0 }];
    }).reverse();
    this.batch = rest;
    const [leftOut, unknown] = [before - rest.length, unknownBefore - this.perhapsStored];
    this.report.countMerged(leftOut - unknown);
    this.report.count(
      "unknown",
      unknown,
      "a newer sample of the series replaced it after an attempt that was not acknowledged",
    );
    return { leftOut, unknown };
  }

  /** Hands what is left over to a new job, because this job is not sent any more. Its next range may have been stored. */
  takeOver(): QueuedJob {
    const job = new QueuedJob({ batch: this.batch, from: 0, to: 0 });
    job.ranges = this.ranges;
    job.report = this.report;
    job.isOpen = true;
    job.suspectMs = this.suspectMs;
    job.again({ unknown: true, resent: true, attempts: (this.next?.attempts ?? 0) + 1 });
    // A call that still sends the old job changes nothing any more.
    this.ranges = [];
    this.report = new ReportBuilder();
    return job;
  }
}

/**
 * What a queue of totals does with a batch that cannot be delivered for now.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import { type DeliveryJob, type RequestRange, samplesOf } from "./delivery_job.ts";

/**
 * Leaves out what is left of the series with these keys, because a newer batch has them. Returns how many samples, and how many of them may have
 * been stored: these count as unknown.
 */
export function leaveOut(
  job: DeliveryJob,
  keys: ReadonlySet<number>,
): { readonly leftOut: number; readonly unknown: number } {
  const [before, unknownBefore] = [samplesOf(job.ranges), job.perhapsStored];
  const rest = new Batch();
  job.ranges = job.ranges.reverse().flatMap((range) => {
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
  job.batch = rest;
  const [leftOut, unknown] = [before - rest.length, unknownBefore - job.perhapsStored];
  job.report.countMerged(leftOut - unknown);
  job.report.count(
    "unknown",
    unknown,
    "a newer sample of the series replaced it after an attempt that was not acknowledged",
  );
  return { leftOut, unknown };
}

/**
 * Lets other samples be sent before the next range, to find out whether the endpoint is down: first the other ranges of its search,
 * then another batch.
 *
 * @param attempts how many times the range was sent just now
 */
export function setAside(job: DeliveryJob, attempts: number): void {
  const { next } = job;
  if (next === undefined) return;
  const isSearched = ({ search }: RequestRange): boolean => search !== undefined && search === next.search;
  const first = job.ranges.findIndex(isSearched);
  const isOnly = first < 0 || first === job.ranges.length - 1;
  if (next.to - next.from === 1 && next.attempts === 0 && !job.hasNewer && !isOnly) {
    job.ranges.pop();
    job.ranges.splice(first, 0, { ...next, attempts, unknown: true, resent: true });
    return;
  }
  job.isPostponed = true;
  // The ranges of the search are put together again.
  const whole = new Batch();
  for (const { batch, from, to } of job.ranges.filter((range) => range === next || isSearched(range)).reverse()) {
    for (let index = from; index < to; index++) whole.copy(batch, index);
  }
  job.ranges = job.ranges.filter((range) => range === next || !isSearched(range));
  const again = { unknown: true, resent: true, attempts: 0, search: undefined };
  job.again({ ...again, batch: whole, from: 0, to: whole.length });
}

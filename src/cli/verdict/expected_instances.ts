/**
 * Waits until the instances of a run have ended.
 *
 * @module
 */
import type { Sleep } from "../../send/sleep.ts";
import type { InstanceState } from "./run_instances.ts";

/** Which instances to wait for, and how long. */
interface ExpectOptions {
  /** The number of instances that must end. */
  readonly expect: number;
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Returns the instances at present. */
  look(): Promise<readonly InstanceState[]>;
  /** Called with the instances that each look found. */
  onLook(states: readonly InstanceState[]): void;
  /** The time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly sleep: Sleep;
}

/** How often to look, in milliseconds. */
const periodMs = 2000;

/** An instance without a sample for this time is silent: a live sender repeats idle series once a minute. */
export const silentAfterMs = 150_000;

/**
 * Waits until as many instances as expected have ended, or until it is known that they will not: all of them are there, and those
 * that have not ended are silent.
 */
export async function waitForInstances(
  { expect, timeoutMs, look, onLook, now, sleep }: ExpectOptions,
): Promise<readonly InstanceState[]> {
  const deadline = now() + timeoutMs;
  for (;;) {
    const states = await look();
    onLook(states);
    const isDone = ({ ended, endMs }: InstanceState): boolean => ended || now() - endMs >= silentAfterMs;
    const leftMs = deadline - now();
    const complete = states.length >= expect && states.every(isDone);
    if (complete || states.filter(({ ended }) => ended).length >= expect || leftMs <= 0) return states;
    await sleep(Math.min(periodMs, leftMs), new AbortController().signal);
  }
}

/**
 * Returns what is wrong with the instances of a run, one sentence for each problem. If no instance shows its end, nothing is
 * expected of the others.
 *
 * @param expect the number of instances, if it is known
 */
export function problemsOf(
  states: readonly InstanceState[],
  { expect, nowMs }: { readonly expect?: number | undefined; readonly nowMs: number },
): string[] {
  const problems: string[] = [];
  if (expect !== undefined && states.length !== expect) {
    problems.push(`${states.length} of ${expect} expected instances sent samples.`);
  }
  if (expect === undefined && states.every(({ ended }) => !ended)) return problems;
  for (const { name, endMs, ended } of states) {
    if (ended) continue;
    const agoS = Math.max(0, Math.round((nowMs - endMs) / 1000));
    problems.push(
      `The instance ${name || "(without a name)"} went silent before its end: its last sample is of ${
        new Date(endMs).toISOString()
      }, ${agoS} s ago. Its results are incomplete.`,
    );
  }
  return problems;
}

/**
 * The strict receiver as a network: what is sent to it is checked against every rule for senders, and kept.
 */
import assert from "node:assert/strict";
import type { FloatSample, TimeSeries } from "../../src/model/time_series.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import {
  createReceiver,
  type ReceivedWrite,
  type ReceiverOptions,
  strictRules,
  type Violation,
} from "../../src/receive/mod.ts";

/** What differs from test to test. */
export interface StrictReceiverOptions extends Partial<Omit<ReceiverOptions, "strict" | "onViolation">> {
  /** Violations are only collected in `violations`. @default false: what arrived cannot be looked at after a violation */
  readonly allowBreaches?: boolean;
}

/** A float as it arrived. */
export interface CapturedSample {
  readonly value: number;
  readonly timestamp: number;
  readonly stale?: boolean;
}

/** A receiver without a network. */
export interface StrictReceiver {
  /** To be injected where a fetch is wanted. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The requests that were taken, in order. */
  readonly writes: readonly ReceivedWrite[];
  /** The floats of each series, in order, by its name and sorted labels: `up{job="a"}`. */
  readonly samples: ReadonlyMap<string, readonly CapturedSample[]>;
  /** What was sent against the rules. */
  readonly violations: readonly Violation[];
}

/** Makes one. */
export function strictReceiver(options: StrictReceiverOptions = {}): StrictReceiver {
  const { allowBreaches = false, onWrite, ...rest } = options;
  const writes: ReceivedWrite[] = [];
  const violations: Violation[] = [];
  const answer = createReceiver({
    ...rest,
    strict: strictRules(),
    onViolation: (violation) => void violations.push(violation),
    onWrite: async (write) => {
      await onWrite?.(write);
      writes.push(write);
    },
  });
  const checked = <T>(value: T): T => {
    if (!allowBreaches) assert.deepEqual(violations, [], "the sender broke rules of the specification");
    return value;
  };
  return {
    fetch: async (input, init) => {
      // A stream as a body needs to be told so; anything else does not mind.
      const request = new Request(input, Object.assign({ duplex: "half" }, init));
      request.signal.throwIfAborted();
      return await answer(request);
    },
    get writes() {
      return checked(writes);
    },
    get samples() {
      return checked(samplesBySeries(writes.flatMap(({ timeSeries }) => timeSeries)));
    },
    violations,
  };
}

function samplesBySeries(timeSeries: readonly TimeSeries[]): Map<string, CapturedSample[]> {
  const samples = new Map<string, CapturedSample[]>();
  for (const series of timeSeries) {
    if (series.samples === undefined) continue;
    const key = formatSeries(series.labels);
    const captured = samples.get(key) ?? [];
    samples.set(key, captured);
    for (const sample of series.samples) captured.push(toCaptured(sample));
  }
  return samples;
}

function toCaptured({ value, timestamp, stale }: FloatSample): CapturedSample {
  return { value, timestamp: Number(timestamp), ...(stale && { stale }) };
}

/**
 * A remote-write receiver in this process that checks each request against every rule for senders, and keeps what it accepts.
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

/** The options of a receiver, and two that help tests. */
export interface StrictReceiverOptions extends Partial<Omit<ReceiverOptions, "strict" | "onViolation">> {
  /** Whether a test may look at what arrived even after a violation. @default false */
  readonly allowViolations?: boolean;
  /** Returns the answer to a request, counted from 0, that does not reach the receiver. @default every request reaches it */
  readonly answer?: (request: number) => Response | undefined;
}

/** A float sample that was accepted. */
export interface CapturedSample {
  readonly value: number;
  readonly timestamp: number;
  readonly stale?: boolean;
}

/** A strict receiver without a network. */
export interface StrictReceiver {
  /** The function that senders get as their `fetch`. */
  readonly fetch: typeof globalThis.fetch;
  /** The accepted requests, in order. */
  readonly writes: readonly ReceivedWrite[];
  /** The floats of each series, in order, by its name and sorted labels: `up{job="a"}`. */
  readonly samples: ReadonlyMap<string, readonly CapturedSample[]>;
  /** The violations of the rules for senders. */
  readonly violations: readonly Violation[];
}

/** Creates a receiver that checks every rule for senders. */
export function strictReceiver(options: StrictReceiverOptions = {}): StrictReceiver {
  const { allowViolations = false, answer = () => undefined, onWrite, ...rest } = options;
  const writes: ReceivedWrite[] = [];
  const violations: Violation[] = [];
  let requests = 0;
  const receive = createReceiver({
    ...rest,
    strict: strictRules(),
    onViolation: (violation) => void violations.push(violation),
    onWrite: async (write) => {
      await onWrite?.(write);
      writes.push(write);
    },
  });
  const checked = <T>(value: T): T => {
    if (!allowViolations) assert.deepEqual(violations, [], "the sender broke rules of the specification");
    return value;
  };
  return {
    fetch: async (input, init) => {
      // `duplex` is needed if the body is a stream.
      const request = new Request(input, Object.assign({ duplex: "half" }, init));
      request.signal.throwIfAborted();
      return answer(requests++) ?? await receive(request);
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

/** Returns the floats that arrived as `name=value`, in the order of their arrival. */
export function receivedValues({ writes }: StrictReceiver): string[] {
  return writes.flatMap(({ timeSeries }) =>
    timeSeries.flatMap(({ labels, samples = [] }) => {
      const name = labels.find((label) => label.name === "__name__")?.value;
      return samples.map(({ value }) => `${name}=${value}`);
    })
  );
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

/**
 * What the tests of delivery have in common: an output or a client on a virtual clock in front of a scripted receiver.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type ClientOptions,
  type DeliveryReport,
  type Metric,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
  type Sample,
  type TimeSeries,
} from "../../mod.ts";
import { type Behaviour, type Fault, type ReceivedRequest, ScriptedReceiver } from "./scripted_receiver.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** The options that put the library on a virtual clock; `monotonicNow` is the clock of deadlines and back-off. */
export function timing(clock: VirtualClock): Pick<ClientOptions, "now" | "monotonicNow" | "sleep" | "random"> {
  return { now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep, random: () => 0.5 };
}

/** What differs from run to run. */
export interface RunOptions {
  readonly behaviour?: Behaviour;
  readonly faults?: readonly Fault[] | undefined;
  readonly output?: RemoteWriteOutputOptions;
  /** A run that this one continues: it has the same clock and the same receiver, as it is. */
  readonly previous?: Pick<Run, "clock" | "receiver"> | undefined;
}

/** An output, its receiver and their clock. */
export interface Run {
  readonly clock: VirtualClock;
  readonly receiver: ScriptedReceiver;
  readonly output: RemoteWriteOutput;
  readonly warnings: string[];
}

/** Makes an output that sends to a scripted receiver, with a virtual clock. */
export function startRun({ behaviour, faults, output: options, previous }: RunOptions = {}): Run {
  const clock = previous?.clock ?? new VirtualClock();
  const receiver = previous?.receiver ?? new ScriptedReceiver({ clock, faults, ...behaviour });
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({ ...clientOptions({ clock, receiver, warnings }), ...options });
  return { clock, receiver, output, warnings };
}

/** The options of a client, or of `pushOnce`. */
export function clientOptions(
  { clock, receiver, warnings = [] }: {
    readonly clock: VirtualClock;
    readonly receiver: ScriptedReceiver;
    readonly warnings?: string[];
  },
): ClientOptions {
  return {
    url: "http://receiver.test/api/v1/write",
    fetch: receiver.fetch,
    onWarning: (message) => void warnings.push(message),
    ...timing(clock),
  };
}

const counter: Metric = { name: "c", type: "counter", contains: "default" };

/** One count for each of the series `k6_c_total{n="0"}` to `n="count - 1"`. */
export function counts(count: number, time: number): Sample[] {
  return Array.from({ length: count }, (_, n) => ({ metric: counter, time, value: 1, tags: { n: String(n) } }));
}

/** The name of such a series. */
export function seriesName(n: number): string {
  return `k6_c_total{n="${n}"}`;
}

/** Series with one sample each, as a client sends them: `c{n="0"}` and so on. */
export function timeSeries(count: number, time: number, value = 1): TimeSeries[] {
  return Array.from({ length: count }, (_, n) => ({
    labels: [{ name: "__name__", value: "c" }, { name: "n", value: String(n) }],
    samples: [{ value, timestamp: time }],
  }));
}

/** Runs an output that flushes by itself, once a second: `onSecond` brings the samples of each second. */
export async function live(
  { clock, output }: Pick<Run, "clock" | "output">,
  seconds: number,
  onSecond: (second: number) => void,
): Promise<void> {
  output.start();
  for (let second = 0; second < seconds; second++) {
    onSecond(second);
    await clock.advance(1000);
  }
}

/** Asserts that each sample of a report ends in exactly one way. */
export function assertAddsUp(report: DeliveryReport): void {
  const { samples, delivered, rejected, failed, unknown, dropped, deferred } = report;
  assert.equal(delivered + rejected + failed + unknown + dropped + deferred, samples, JSON.stringify(report));
}

/** Samples that a newer one of their series replaced before they were sent. */
export function mergedOf(report: DeliveryReport): number {
  return numberOf(report, "merged");
}

/** A number among the members of an object. */
export function numberOf(object: object, name: string): number {
  const value: unknown = Reflect.get(object, name);
  assert.equal(typeof value, "number", `there is no number "${name}" in ${JSON.stringify(object)}`);
  return Number(value);
}

/** The requests that hold samples, not only metadata. */
export function sampleRequests({ requests }: ScriptedReceiver): ReceivedRequest[] {
  return requests.filter(({ samples }) => samples.length > 0);
}

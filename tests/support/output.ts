/**
 * An output with a virtual clock, in front of a strict receiver.
 *
 * @module
 */
import { RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../mod.ts";
import { type StrictReceiver, strictReceiver } from "./strict_receiver.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** An output and what surrounds it. */
export interface OutputSetUp {
  readonly output: RemoteWriteOutput;
  readonly receiver: StrictReceiver;
  readonly clock: VirtualClock;
  readonly warnings: string[];
  /** Returns the samples of a series as `value@time`, with the time since the start. */
  arrived(name: string): string[] | undefined;
}

/** Creates an output, which sends nothing yet. */
export function setUpOutput(options: RemoteWriteOutputOptions = {}): OutputSetUp {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    fetch: receiver.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  const start = clock.now();
  const arrived = (name: string): string[] | undefined =>
    receiver.samples.get(name)?.map(({ value, timestamp }) => `${value}@${timestamp - start}`);
  return { output, receiver, clock, warnings, arrived };
}

/**
 * Tests `run` with a stand-in for k6 and a receiver.
 */
import assert from "node:assert/strict";
import { type CliOptions, type CliResult, point } from "./cli.ts";
import { startOfRecording } from "./recorded_run.ts";
import { type ReceiverServer, type ReceiverServerOptions, withReceiver } from "./receiver_server.ts";
import { makeStandInK6, type StandIn, type StandInK6 } from "./stand_in_k6.ts";

/** What the stand-in writes by default: 1 second of a recording, with 57 requests. */
const json = startOfRecording();
/** A few lines of JSON without a testid. */
export const untagged: string = Array.from({ length: 30 }, (_, at) => point(at)).join("");

/** What a test of `run` gets. */
export interface Scene {
  readonly k6: StandInK6;
  readonly receiver: ReceiverServer;
  /** Returns options for the run: the receiver is the endpoint, and the stand-in behaves as given. */
  options(does?: Partial<StandIn>, env?: Record<string, string>): CliOptions & { env: Record<string, string> };
}

/** Calls a function with a stand-in for k6 and a receiver. Nothing temporary may be left afterwards. */
export async function withK6(use: (scene: Scene) => Promise<void>, server?: ReceiverServerOptions): Promise<void> {
  const k6 = makeStandInK6();
  const defaultJson = k6.write("run.json", json);
  try {
    await withReceiver((receiver) =>
      use({
        k6,
        receiver,
        options: (does, env) => ({
          env: { ...k6.env({ json: defaultJson, ...does }), K6_PROMETHEUS_REMOTE_URL: receiver.url, ...env },
        }),
      }), server);
    assert.deepEqual(k6.leftovers(), []);
  } finally {
    k6.remove();
  }
}

/** Returns the last line, which says how k6 ended and what happened to its results. */
export function lastLine({ stderr }: CliResult): string {
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}

/** Returns the sum of the last values of a counter's series. */
export function total({ samples }: ReceiverServer, metric: string): number {
  const last = new Map(
    samples.filter(({ name }) => name === metric).map(({ labels, value }) => [JSON.stringify(labels), value]),
  );
  return [...last.values()].reduce((sum, value) => sum + value, 0);
}

/** Reports whether a process of this number exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * A long run in little time: a virtual clock, a receiver that is down for a third of the run, and real encoding and compression.
 *
 * @module
 */
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import type { Metric } from "../../src/k6/metric.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { Sample } from "../../src/k6/sample.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** How long, and how much. */
export interface SoakOptions {
  readonly minutes: number;
  readonly samples: number;
  /** Called after each simulated minute. */
  readonly onMinute?: (minute: number, state: SoakState) => void;
}

/** The state of the run at the end of a minute. */
export interface SoakState {
  readonly down: boolean;
  /** The number of samples in the queue. */
  readonly pending: number;
}

/** The report of the run, and the most samples that waited. */
export interface SoakResult {
  readonly report: DeliveryReport;
  readonly samplesIn: number;
  readonly maxPending: number;
}

const metrics: readonly Metric[] = [
  { name: "http_reqs", type: "counter", contains: "default" },
  { name: "http_req_duration", type: "trend", contains: "time" },
  { name: "checks", type: "rate", contains: "default" },
  { name: "data_received", type: "counter", contains: "data" },
  { name: "vus", type: "gauge", contains: "default" },
];
const urls = 30;

/** Runs an output for so many virtual minutes, while the endpoint is down in the second third of them. */
export async function soak({ minutes, samples, onMinute = () => {} }: SoakOptions): Promise<SoakResult> {
  const clock = new VirtualClock();
  const seconds = minutes * 60;
  const [downFrom, downTo] = [seconds / 3, (seconds * 2) / 3];
  let down = false;
  let bodyBytes = 0;
  const output = new RemoteWriteOutput({
    url: "http://receiver.test/write",
    fetch: (_, init) => {
      if (down) return Promise.reject(new TypeError("fetch failed", { cause: refused() }));
      bodyBytes += init?.body instanceof Uint8Array ? init.body.length : 0;
      return Promise.resolve(new Response(null, { status: 204 }));
    },
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    random: () => 0.5,
    retryDeadlineMs: Infinity,
    closeTimeoutMs: Infinity,
    onWarning: () => {},
  });
  output.start();
  const tags = Array.from({ length: urls }, (_, index) => ({ method: "GET", status: "200", url: `http://h/${index}` }));
  let [added, maxPending] = [0, 0];
  for (let second = 0; second < seconds; second++) {
    down = second >= downFrom && second < downTo;
    const until = Math.floor((samples * (second + 1)) / seconds);
    const batch: Sample[] = [];
    for (; added < until; added++) {
      const metric = metrics[added % metrics.length];
      const tag = tags[Math.floor(added / metrics.length) % urls];
      if (metric === undefined || tag === undefined) continue;
      batch.push({ metric, time: clock.now() + (added % 1000), value: (added * 7919) % 1000, tags: tag });
    }
    output.add(batch);
    await clock.advance(1000);
    maxPending = Math.max(maxPending, output.stats.samplesPending);
    if ((second + 1) % 60 === 0) onMinute((second + 1) / 60, { down, pending: output.stats.samplesPending });
  }
  const report = await clock.settle(output.close());
  if (bodyBytes === 0) throw new Error("Cannot soak: nothing arrived");
  return { report, samplesIn: output.stats.samplesIn, maxPending };
}

function refused(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
}

/**
 * Simulates half an hour with five million samples, in which the receiver is down for a third of the time, and prints the heap size.
 *
 * Run from the project root, so that the heap can be collected before it is measured:
 * `deno run -A --v8-flags=--expose-gc scripts/soak.ts`, `bun scripts/soak.ts`, `node --expose-gc scripts/soak.ts` (Node 24).
 */
import process from "node:process";
import { soak } from "../tests/support/soak.ts";

// Node and Deno have gc() with --expose-gc. In Bun, gc(true) collects at once.
const collect: () => void = Reflect.get(globalThis, "gc") ?? ((): void => Reflect.get(globalThis, "Bun")?.gc(true));
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(7);
const started = performance.now();

console.log("minute  receiver   waiting  heap MB   RSS MB");
const { report, samplesIn, maxPending } = await soak({
  minutes: 30,
  samples: 5_000_000,
  onMinute(minute, { down, pending }) {
    if (minute % 2 !== 0) return;
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    const receiver = (down ? "down" : "up").padStart(8);
    console.log(
      `${String(minute).padStart(6)}  ${receiver}  ${String(pending).padStart(8)}  ${megabytes(heapUsed)}  ${
        megabytes(rss)
      }`,
    );
  },
});
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${samplesIn} input samples, ${report.samples} output samples, ${report.delivered} delivered, at most ${maxPending} waiting`,
);
console.log(`${report.requests} requests, ${report.retries} of them retries, in ${seconds} s`);
process.exitCode = report.delivered === report.samples ? 0 : 1;

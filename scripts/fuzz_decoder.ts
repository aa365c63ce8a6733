/**
 * Decodes a million mutated requests (or the number in the first argument) and prints how many were decoded and rejected. Exits
 * with 1 if a request was neither decoded nor rejected, took longer than a second, or if the memory exceeded its limit.
 *
 * Run from the project root: `deno run -A scripts/fuzz_decoder.ts [count] [seed]`, or with bun.
 */
import process from "node:process";
import { FormatError } from "../src/model/errors.ts";
import { createReceiver, strictRules } from "../src/receive/mod.ts";
import { decodeV1 } from "../src/protocol/decode_v1.ts";
import { decodeV2 } from "../src/protocol/decode_v2.ts";
import { compress, decompress } from "../src/protocol/snappy.ts";
import { TooLargeError } from "../src/model/errors.ts";
import { mutate, Random, type Seed, seeds } from "../tests/support/mutate.ts";
import { postV1, postV2 } from "../tests/support/requests.ts";

/** How much the resident memory may grow above that of the runtime and the correct requests. */
const maxGrowthBytes = 384e6;
const maxMilliseconds = 1000;
/** One of this many requests goes through the whole handler. */
const handlerShare = 25;
const maxDecodedBytes = 1 << 20;

const count = Number(process.argv[2] ?? 1e6);
const random = new Random(Number(process.argv[3] ?? 1));
const outcomes: Record<string, number> = {};
const failures: string[] = [];
const peak = { milliseconds: 0, resident: 0, heap: 0 };

const corpus = seeds();
const messages = corpus.map(({ bytes }) => bytes);
const blocks = messages.map((bytes) => compress(bytes));
const onError = (error: unknown): void => {
  throw error;
};
const receivers = [strictRules({ maxTrackedSeries: 1000 }), undefined].map((strict) =>
  createReceiver({ strict, onWrite: () => {}, onError, maxDecodedBytes })
);

/** Returns the body of a correct request after a change to its message or to its compressed bytes. */
function mutated(index: number): { version: Seed["version"]; body: Uint8Array<ArrayBuffer>; kind: string } {
  const at = random.below(corpus.length);
  const { version, bytes } = corpus[at]!;
  if (index % 2 === 0) return { version, body: compress(mutate(bytes, { random, others: messages })), kind: "message" };
  return { version, body: new Uint8Array(mutate(blocks[at]!, { random, others: blocks })), kind: "block" };
}

function decode(version: Seed["version"], body: Uint8Array): string {
  let bytes: Uint8Array;
  try {
    bytes = decompress(body, { maxDecodedBytes });
    (version === "1.0" ? decodeV1 : decodeV2)(bytes, { maxMemoryBytes: 8 * maxDecodedBytes });
    return "decoded";
  } catch (error) {
    if (error instanceof TooLargeError) return "too large";
    if (error instanceof FormatError) return "rejected";
    throw error;
  }
}

const base = process.memoryUsage().rss;
const start = performance.now();
for (let index = 0; index < count; index++) {
  const { version, body, kind } = mutated(index);
  const before = performance.now();
  try {
    let outcome: string;
    if (index % (2 * handlerShare) < 2) {
      const receive = receivers[random.below(2)]!;
      const response = await receive(version === "1.0" ? postV1({}, { body }) : postV2({}, { body }));
      await response.body?.cancel();
      if (![204, 400, 413].includes(response.status)) throw new Error(`status ${response.status}`);
      outcome = `handler, ${kind}: ${response.status}`;
    } else {
      outcome = `${kind}: ${decode(version, body)}`;
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  } catch (error) {
    failures.push(`${version} ${error} ${Array.from(body, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
  }
  peak.milliseconds = Math.max(peak.milliseconds, performance.now() - before);
  if (index % 5000 === 0) {
    const { rss, heapUsed } = process.memoryUsage();
    peak.resident = Math.max(peak.resident, rss);
    peak.heap = Math.max(peak.heap, heapUsed);
  }
}
const seconds = (performance.now() - start) / 1000;

const mean = messages.reduce((sum, { length }) => sum + length, 0) / messages.length;
console.log(
  `${count} mutations of ${corpus.length} requests, ${Math.round(mean)} bytes on average, in ${seconds.toFixed(1)} s`,
);
for (const [outcome, times] of Object.entries(outcomes).sort()) console.log(`  ${outcome}: ${times}`);
console.log(`  failures: ${failures.length}`);
console.log(`  slowest: ${peak.milliseconds.toFixed(1)} ms`);
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
console.log(
  `  peak memory: ${megabytes(peak.resident)} resident (${megabytes(base)} before), ${megabytes(peak.heap)} heap`,
);
for (const failure of failures.slice(0, 10)) console.log(failure);
if (failures.length > 0 || peak.milliseconds > maxMilliseconds || peak.resident - base > maxGrowthBytes) {
  process.exitCode = 1;
}

/**
 * Feeds a reader with mutations of small inputs. A test runs some hundred; with K6RW_DEEP=true, it runs a million, which takes
 * minutes.
 */
import assert from "node:assert/strict";
import { cpuMilliseconds, liveBytes } from "./garbage.ts";
import { mutate, Random } from "./mutate.ts";
import { slowRuns } from "./runs.ts";

const isDeep = globalThis.process?.env?.K6RW_DEEP === "true";

/** The CPU time of one mutation. The inputs have about a kilobyte, and the engine may collect garbage or compile meanwhile. */
const maxMilliseconds = 1000;

/** How much the live memory may grow while the mutations are read: an input that leaves 20 bytes would exceed it. */
const maxGrowthBytes = 16e6;

/** How often the memory is measured. It takes 0.3 s on Deno. */
const measurements = isDeep ? 20 : 2;

/** A reader with correct inputs, from which mutations are made. */
export interface Fuzzing {
  /** Correct inputs, small so that many mutations can be read. */
  readonly seeds: readonly Uint8Array[];
  /** The number of mutations without K6RW_DEEP. */
  readonly count: number;
  /** Reads a mutation. It throws only if the reader is wrong. Returns what the reader found, which is counted. */
  read(bytes: Uint8Array, random: Random): string | Promise<string>;
}

/** Reads mutations and returns how often the reader found what. Fails if one throws or takes too long, or if the memory grows. */
export async function fuzz({ seeds, count, read }: Fuzzing): Promise<ReadonlyMap<string, number>> {
  const random = new Random(1700);
  const found = new Map<string, number>();
  const mutations = isDeep ? 1_000_000 : slowRuns(count);
  let slowest = 0;
  let base = 0;
  let peak = 0;
  const step = Math.floor(mutations / measurements);
  for (let index = 0; index < mutations; index++) {
    const bytes = mutate(seeds[random.below(seeds.length)] ?? new Uint8Array(), { random, others: seeds });
    const started = cpuMilliseconds();
    let outcome: string;
    try {
      outcome = await read(bytes, random);
    } catch (error) {
      throw new Error(`Mutation ${index} failed: ${JSON.stringify(new TextDecoder().decode(bytes))}`, { cause: error });
    }
    found.set(outcome, (found.get(outcome) ?? 0) + 1);
    slowest = Math.max(slowest, cpuMilliseconds() - started);
    if ((index + 1) % step !== 0) continue;
    const bytesInUse = await liveBytes();
    // The engine needs some mutations until its code is compiled.
    if (index < step) base = bytesInUse;
    peak = Math.max(peak, bytesInUse);
  }
  const growth = peak - base;
  if (isDeep) {
    const outcomes = [...found].map(([outcome, times]) => `${outcome}: ${times}`).sort().join(", ");
    console.log(`${mutations} mutations: ${outcomes}; slowest ${slowest.toFixed(1)} ms, memory + ${growth / 1e6} MB`);
  }
  assert.ok(slowest < maxMilliseconds, `a mutation took ${Math.round(slowest)} ms`);
  assert.ok(growth < maxGrowthBytes, `the memory grew by ${Math.round(growth / 1e6)} MB`);
  return found;
}

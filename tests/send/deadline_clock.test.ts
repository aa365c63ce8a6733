import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineClock } from "../../src/send/deadline_clock.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

/** Begins a wait. Returns a function that returns how much time has passed when the wait ended; undefined if it goes on. */
function waiting(virtual: VirtualClock, clock: DeadlineClock, ms: number): () => number | undefined {
  const start = virtual.monotonicNow();
  let end: number | undefined;
  void clock.sleep(ms, new AbortController().signal).then(() => end = virtual.monotonicNow() - start);
  return () => end;
}

test("without a gap, waits have their length, and the clock runs on", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const start = clock.monotonicNow();
  const ends = [0, 10, 1000, 2500].map((ms) => waiting(virtual, clock, ms));
  await virtual.advance(10_000);
  assert.deepEqual(ends.map((end) => end()), [0, 10, 1000, 2500]);
  assert.deepEqual([clock.monotonicNow() - start, clock.gaps()], [10_000, 0]);
});

test("a stop is found once, by all waits together, and does not count", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const start = clock.monotonicNow();
  const ends = [500, 2000, 30_000].map((ms) => waiting(virtual, clock, ms));
  await virtual.advance(100);
  await virtual.stop(60_000);
  assert.equal(clock.gaps(), 1);
  assert.ok(clock.monotonicNow() - start <= 1000, `${clock.monotonicNow() - start} ms`);
  await virtual.advance(60_000);
  // The interrupted second of each wait begins again after the stop.
  assert.deepEqual(ends.map((end) => end()), [60_600, 62_100, 90_100]);
});

test("after a stop at the end of a wait, there is a second left", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const end = waiting(virtual, clock, 2010);
  await virtual.advance(2005);
  await virtual.stop(5000);
  await virtual.advance(5000);
  assert.equal(end(), 8005);
});

test("a late timer is no gap, and jumps of the wall clock are none", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const end = waiting(virtual, clock, 100);
  virtual.jump(-3_600_000);
  await virtual.stop(1000);
  virtual.jump(7_200_000);
  assert.deepEqual([end(), clock.gaps()], [1000, 0]);
});

test("a wait ends although timers are blocked again and again", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const end = waiting(virtual, clock, 3000);
  for (let blocks = 0; blocks < 10; blocks++) await virtual.stop(3000);
  assert.equal(end(), 12_000);
});

test("a signal ends a wait at once", async () => {
  const virtual = new VirtualClock();
  const clock = new DeadlineClock(virtual);
  const controller = new AbortController();
  const waiting = clock.sleep(Infinity, controller.signal);
  await virtual.advance(5500);
  controller.abort();
  await waiting;
  assert.deepEqual([virtual.timers, clock.gaps()], [0, 0]);
});

/** Faults of the network, and of receivers. */
import fc from "fast-check";
import type { Fault } from "./scripted_receiver.ts";

const headers = fc.constantFrom(undefined, "1", "0", "7200", "soon", "Thu, 01 Jan 2026 00:00:09 GMT")
  .map((value): Record<string, string> => value === undefined ? {} : { "Retry-After": value });

/** Faults that a second attempt overcomes, without a timeout. */
export const quickFault: fc.Arbitrary<Fault> = fc.constantFrom<Fault[]>(
  { kind: "pass" },
  { kind: "pass" },
  { kind: "answer", status: 503, body: "later" },
  { kind: "answer", status: 429, body: "later" },
  { kind: "refuse" },
  { kind: "reset", stored: true },
);

/** Faults that a sender overcomes if it tries again for long enough. */
export const passingFault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fault>({ kind: "pass" }) },
  fc.record({ kind: fc.constant("answer" as const), status: fc.constantFrom(429, 503), headers }),
  fc.record({ kind: fc.constant("answer" as const), status: fc.constantFrom(502, 504), stored: fc.boolean() }),
  fc.constant<Fault>({ kind: "refuse" }),
  fc.record({ kind: fc.constant("reset" as const), stored: fc.boolean() }),
  fc.record({ kind: fc.constant("hang" as const), stored: fc.boolean() }),
  fc.record({ kind: fc.constant("slow" as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
);

/** The same faults, and those after which a sender must not try again, or not forever. */
export const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 5, arbitrary: passingFault },
  fc.record({ kind: fc.constant("answer" as const), status: fc.constant(500), stored: fc.boolean() }),
  fc.record({ kind: fc.constant("answer" as const), status: fc.constantFrom(302, 400, 401, 404, 408, 413, 422) }),
);

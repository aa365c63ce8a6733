/**
 * How much of a slow test runs. The same inputs give the same results on every runtime, so they run most often on one of them: on Bun
 * in the folders whose tests start processes, because it starts fastest, and on Deno in the others.
 *
 * `npm test -- --deep` runs everything on Deno, Bun and Node.
 *
 * @module
 */

const agent = globalThis.navigator?.userAgent ?? "Node";
const isServer = /^(?:Node|Deno|Bun)/.test(agent);
/** Whether all inputs run, with `npm test -- --deep`. */
export const isDeep: boolean = isServer && globalThis.process?.env.TEST_DEPTH === "deep";

/** Whether this is the runtime that runs the tests whose results depend on no runtime; without the runner, each one is. */
export const isOneRuntime: boolean = isServer && globalThis.process?.env.TEST_ONE_RUNTIME !== "false";

/** Returns the number of runs of a slow property: a sixteenth of them on one runtime, a fortieth on the others. */
export function slowRuns(numRuns: number): number {
  return isDeep ? numRuns : Math.ceil(numRuns / (isOneRuntime ? 16 : 40));
}

/** Returns the cases of a slow table: every second one on one runtime, every fourth one on the others. */
export function slowCases<T>(cases: readonly T[]): readonly T[] {
  return isDeep ? cases : cases.filter((_, index) => index % (isOneRuntime ? 2 : 4) === 0);
}

/** Returns all cases on one runtime, and only the first one on the others: the runtime matters, but the other cases show the same of it. */
export function firstElsewhere<T>(cases: readonly T[]): readonly T[] {
  return isOneRuntime ? cases : cases.slice(0, 1);
}

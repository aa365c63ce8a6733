/**
 * How often a property is tried.
 *
 * @module
 */

const agent = globalThis.navigator?.userAgent ?? "Node";

/**
 * Returns the number of runs of a slow property: a tenth in workerd and Chromium, whose one thread runs all tests. The same inputs
 * run completely on Deno, Bun and Node.
 */
export function slowRuns(numRuns: number): number {
  return /^(?:Node|Deno|Bun)/.test(agent) ? numRuns : Math.ceil(numRuns / 10);
}

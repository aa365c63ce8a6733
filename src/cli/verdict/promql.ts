/**
 * Writes the few PromQL expressions that the verdict needs. They work on Prometheus, Mimir and VictoriaMetrics.
 *
 * @module
 */

/** The labels that series must have, with their values. */
export type Matchers = Readonly<Record<string, string>>;

/** A time in which to look for samples: from `startMs` to `endMs`, both included. */
export interface Extent {
  /** The time of the first sample, in milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** The time of the last sample. */
  readonly endMs: number;
}

/**
 * A distance of the bounds of a range from the samples: servers disagree on whether a bound belongs to the range, and the samples of
 * other metrics may be a little earlier or later than those of the counters by which a run is found.
 */
const marginMs = 1500;

/** Returns a time with this distance at both of its ends. */
export function withMargin({ startMs, endMs }: Extent): Extent {
  return { startMs: startMs - marginMs, endMs: endMs + marginMs };
}

/** Returns a selector of series by their labels. */
export function select(matchers: Matchers, further: readonly string[] = []): string {
  const equal = Object.entries(matchers).map(([name, value]) => `${name}=${quote(value)}`);
  return `{${[...equal, ...further].join(",")}}`;
}

/** Returns a string in PromQL. */
export function quote(text: string): string {
  // JSON's escapes are a part of Go's.
  return JSON.stringify(text);
}

/** Returns a range selector over a time; it must be evaluated at `evaluationTime`. */
export function over(selector: string, extent: Extent): string {
  return `${selector}[${Math.ceil(extent.endMs - extent.startMs) + 2 * marginMs}ms]`;
}

/** Returns the last value of each series in a time. A staleness marker does not hide it. */
export function lastOf(selector: string, extent: Extent): string {
  return `last_over_time(${over(selector, extent)})`;
}

/** Returns the time at which to evaluate the expressions over a time. */
export function evaluationTime({ endMs }: Extent): number {
  return endMs + marginMs;
}

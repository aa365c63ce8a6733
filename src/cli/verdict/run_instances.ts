/**
 * Finds the instances of a run: when each one sent its first and its last sample, and whether it ended.
 *
 * @module
 */
import { largest, smallest } from "./extremes.ts";
import { evaluationTime, type Extent, lastOf, type Matchers, quote, select } from "./promql.ts";
import { type InstantSeries, isTime, type QueryClient, QueryError, type SampledSeries } from "./query_client.ts";

/** How to find a run. */
export interface RunSelection {
  /** The labels of all its series, such as `testid`. */
  readonly matchers: Matchers;
  /** The label that distinguishes its senders. */
  readonly instanceLabel: string;
  /** The beginning of every metric's name. */
  readonly prefix: string;
}

/** A sender of a run. */
interface Instance extends Extent {
  /** The value of the label that distinguishes senders; empty if its series do not have the label. */
  readonly name: string;
}

/** A sender and what is known about its end. */
export interface InstanceState extends Instance {
  /** Whether it ended in the regular way: its series are stale, or it sent a series that belongs to the end of a run. */
  readonly ended: boolean;
}

/** The series that a sender sends without staleness markers. */
const withoutMarkers = ["run_info", "run_ended", "threshold", "threshold_passed"] as const;

/** The series that a sender sends only when it ends. */
const ofTheEnd = ["run_ended", "threshold_passed"] as const;

/** A marker follows the last sample within this time: k6 emits some metrics every second, until the end. */
const markerWithinMs = 15_000;

/** Without samples for this time, a run has ended: a live sender repeats idle series once a minute. */
const maxGapMs = 300_000;

/** The number of steps in which gaps are searched. */
const gapSteps = 200;

/**
 * Returns the instances of the latest run in a time. Several runs may have the same testid: then there are gaps between them.
 *
 * @returns also whether there are earlier runs
 * @throws QueryError
 */
export async function findLatestRun(
  client: QueryClient,
  run: RunSelection,
  within: Extent,
): Promise<{ readonly instances: readonly Instance[]; readonly hasEarlier: boolean }> {
  let instances = await findInstances(client, run, within);
  let before: Extent | undefined;
  for (let hasEarlier = false;; hasEarlier = true) {
    const extent = extentOf(instances);
    if (extent === undefined || extent.endMs - extent.startMs < 2 * maxGapMs) return { instances, hasEarlier };
    if (before !== undefined && extent.startMs <= before.startMs) {
      throw new QueryError(`${client.endpoint} answers a query about a time with samples of an earlier time`, {
        isPermanent: true,
      });
    }
    before = extent;
    const stepMs = Math.max(maxGapMs, Math.ceil((extent.endMs - extent.startMs) / gapSteps));
    const times = await timesOf(client, selectorOf(run), { ...extent, stepMs }) ??
      await timesOf(client, anySelectorOf(run), { ...extent, stepMs }) ?? [];
    const last = times.findLastIndex((timeMs, index) => index > 0 && timeMs - (times[index - 1] ?? 0) > 1.5 * stepMs);
    if (last < 0) return { instances, hasEarlier };
    instances = await findInstances(client, run, { ...within, startMs: (times[last] ?? 0) - stepMs });
  }
}

/** Returns the ends of the steps that contain samples; undefined if there are none. */
async function timesOf(
  client: QueryClient,
  selector: string,
  { startMs, endMs, stepMs }: Extent & { readonly stepMs: number },
): Promise<readonly number[] | undefined> {
  const query = `count(last_over_time(${selector}[${stepMs}ms]))`;
  const [series] = await client.range(query, { startMs: startMs + stepMs, endMs, stepMs });
  return series?.floats.map(({ timeMs }) => timeMs);
}

/**
 * Selects series that show when a run took place: k6 sends counters and the VUs all the time. The samples of histograms would take
 * the server much longer to read.
 */
function selectorOf({ matchers, prefix }: RunSelection): string {
  return select(matchers, [`__name__=~${quote(`${prefix}(.+_total|.+_rate|vus|vus_max)`)}`]);
}

/** Selects all series of a run except buckets, for runs of other senders. */
function anySelectorOf({ matchers, prefix }: RunSelection): string {
  return select(matchers, [`__name__=~${quote(`${prefix}.+`)}`, `__name__!~".+_bucket"`]);
}

/**
 * Returns the instances with samples in a time, by name.
 *
 * @throws QueryError
 */
export async function findInstances(client: QueryClient, run: RunSelection, within: Extent): Promise<Instance[]> {
  const { instanceLabel } = run;
  for (const selector of [selectorOf(run), anySelectorOf(run)]) {
    const extents = await askMetricsQl(client, { selector, instanceLabel, within }) ??
      await search(client, { selector, instanceLabel, within });
    if (extents.size === 0) continue;
    return [...extents].map(([name, extent]) => ({ name, ...extent })).sort((a, b) => a.name < b.name ? -1 : 1);
  }
  return [];
}

/** Returns the time of a run, from its first sample to its last; undefined if there are no instances. */
export function extentOf(instances: readonly Instance[]): Extent | undefined {
  if (instances.length === 0) return undefined;
  return {
    startMs: smallest(instances.map(({ startMs }) => startMs)),
    endMs: largest(instances.map(({ endMs }) => endMs)),
  };
}

/**
 * Returns the instances of a run, each together with whether it ended.
 *
 * @param nowMs the present time: nothing is known about later times
 * @throws QueryError
 */
export async function findEnds(
  client: QueryClient,
  { matchers, instanceLabel, prefix }: RunSelection,
  { instances, nowMs }: { readonly instances: readonly Instance[]; readonly nowMs: number },
): Promise<InstanceState[]> {
  const run = extentOf(instances);
  if (run === undefined) return [];
  const count = (series: string): string => `count by (${instanceLabel}) (${series})`;
  const names = (list: readonly string[]): string => quote(list.map((name) => `${prefix}${name}`).join("|"));
  const closing = count(lastOf(select(matchers, [`__name__=~${names(ofTheEnd)}`]), run));
  const closed = namesIn(await client.instant(closing, evaluationTime(run)), instanceLabel);
  // A series is visible from its last sample on, for minutes, unless a marker ended it.
  const visible = count(select(matchers, [`__name__=~${quote(`${prefix}.+`)}`, `__name__!~${names(withoutMarkers)}`]));
  const stateAt = new Map<number, Promise<ReadonlySet<string>>>();
  return await Promise.all(instances.map(async (instance) => {
    if (closed.has(instance.name)) return { ...instance, ended: true };
    const atMs = Math.min(nowMs, instance.endMs + markerWithinMs);
    const asked = stateAt.get(atMs) ??
      client.instant(visible, atMs).then((series) => namesIn(series, instanceLabel));
    stateAt.set(atMs, asked);
    return { ...instance, ended: !(await asked).has(instance.name) };
  }));
}

function namesIn(series: readonly InstantSeries[], label: string): ReadonlySet<string> {
  return new Set(series.map(({ labels }) => labels[label] ?? ""));
}

interface Search {
  readonly selector: string;
  readonly instanceLabel: string;
  readonly within: Extent;
}

/** Asks for the times in VictoriaMetrics's language. Returns undefined if the server does not know it. */
async function askMetricsQl(
  client: QueryClient,
  { selector, instanceLabel, within }: Search,
): Promise<Map<string, Extent> | undefined> {
  const range = `${selector}[${Math.ceil(within.endMs - within.startMs)}ms]`;
  const by = `by (${instanceLabel})`;
  try {
    const last = await client.instant(`max ${by} (tlast_over_time(${range}))`, within.endMs);
    const first = await client.instant(`min ${by} (tfirst_over_time(${range}))`, within.endMs);
    const nameOf = ({ labels }: InstantSeries): string => labels[instanceLabel] ?? "";
    const timesOf = (list: readonly InstantSeries[]): Map<string, number> =>
      new Map(
        list.map((series) => [nameOf(series), Math.round(series.value * 1000)] as const).filter(([, ms]) => isTime(ms)),
      );
    const starts = timesOf(first);
    return new Map([...timesOf(last)].map(([name, endMs]) => [name, { startMs: starts.get(name) ?? endMs, endMs }]));
  } catch (error) {
    // Prometheus and Mimir answer 400: the function is unknown.
    if (error instanceof QueryError && error.status === 400) return undefined;
    throw error;
  }
}

/** The number of steps in which a time is searched. */
const searchSteps = 500;

/**
 * The precision of the times that are found, in milliseconds. Samples have no finer times, so that each verdict on a run finds the
 * same times. For Prometheus 2, whose ranges contain both of their bounds, the last one is a millisecond late.
 */
export const precisionMs = 1;

/**
 * Searches with range queries. Each step looks at all samples since the step before, so that no sample is missed, then finer steps
 * look at the first and the last step with samples.
 */
async function search(client: QueryClient, options: Search): Promise<Map<string, Extent>> {
  const { startMs, endMs } = options.within;
  const found = await look(client, options, { fromMs: startMs, toMs: endMs });
  const firsts = new Map([...found.steps].map(([name, { firstMs }]) => [name, firstMs]));
  const lasts = new Map([...found.steps].map(([name, { lastMs }]) => [name, lastMs]));
  await refine(client, options, { times: firsts, stepMs: found.stepMs, pick: "firstMs" });
  await refine(client, options, { times: lasts, stepMs: found.stepMs, pick: "lastMs" });
  return new Map([...firsts].map(([name, startMs]) => [name, { startMs, endMs: lasts.get(name) ?? startMs }]));
}

/** Makes times more exact: each is the end of a step that contains the sample. */
async function refine(
  client: QueryClient,
  options: Search,
  { times, stepMs, pick }: {
    readonly times: Map<string, number>;
    readonly stepMs: number;
    readonly pick: "firstMs" | "lastMs";
  },
): Promise<void> {
  // The instances of a run begin and end at about the same time, so one query serves several of them. The first of the run and the
  // last of the run matter most, so that they are searched alone in the end.
  const extreme = (): number => (pick === "firstMs" ? smallest : largest)(times.values());
  for (let alone = false, before = stepMs;;) {
    if (times.size === 0 || before <= precisionMs) return;
    const extremeMs = extreme();
    const among = alone ? [...times].filter(([, ms]) => Math.abs(ms - extremeMs) < before) : [...times];
    const fromMs = smallest(among.map(([, ms]) => ms)) - before;
    const toMs = largest(among.map(([, ms]) => ms));
    const { steps, stepMs: finer } = await look(client, options, { fromMs, toMs });
    if (finer * 2 > before && !alone) {
      alone = true;
      continue;
    }
    for (const [name] of among) {
      const at = steps.get(name)?.[pick];
      if (at !== undefined) times.set(name, at);
    }
    if (finer >= before) return;
    before = finer;
  }
}

/** Returns the first and the last step in which each instance has samples. */
async function look(
  client: QueryClient,
  { selector, instanceLabel }: Search,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<{ steps: Map<string, { firstMs: number; lastMs: number }>; stepMs: number }> {
  const stepMs = Math.max(1, Math.ceil((toMs - fromMs) / searchSteps));
  const query = `count by (${instanceLabel}) (last_over_time(${selector}[${stepMs}ms]))`;
  const series = await client.range(query, { startMs: fromMs + stepMs, endMs: toMs + stepMs, stepMs });
  const ends = ({ floats }: SampledSeries): { firstMs: number; lastMs: number } => ({
    firstMs: floats[0]?.timeMs ?? NaN,
    lastMs: floats.at(-1)?.timeMs ?? NaN,
  });
  const named = series.map((one) => [one.labels[instanceLabel] ?? "", ends(one)] as const);
  return { steps: new Map(named), stepMs };
}

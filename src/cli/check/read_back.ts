/**
 * Reads back what a check wrote, where the endpoint answers queries.
 *
 * @module
 */
import { isRemoteWriteError } from "../../model/errors.ts";
import { QueryClient, QueryError } from "../verdict/query_client.ts";
import { queryApiOfQueryUrl, queryApiOfWriteUrl } from "../verdict/query_url.ts";
import type { CheckContext } from "./check_context.ts";
import { checkName, type Probe, type StoredProbes } from "./probe.ts";
import { ok, skipped, type Step } from "./step.ts";

/** Samples are a little ahead of the present time, too. */
const aheadMs = 600_000;

/** Some servers limit the time of a query to some days or hours. */
const recentWindowMs = 3_600_000;

/** VictoriaMetrics shows new samples after a second or two, and all of them soon after the first ones. */
const [pauseMs, quietPart] = [250, 0.3] as const;

/** Reads back what was written. */
export const readBack: Step = {
  name: "read back",
  async run(context) {
    if (context.readOnly) return skipped("--read-only");
    if (context.written.size === 0) return skipped("nothing was acknowledged");
    let client: QueryClient;
    try {
      const { queryUrl, url, options } = context;
      const api = queryUrl === undefined ? queryApiOfWriteUrl(url) : queryApiOfQueryUrl(queryUrl);
      client = new QueryClient({ ...options, url: api });
    } catch (error) {
      if (!isRemoteWriteError(error)) throw error;
      return skipped("the query API is not known, and --query-url names none");
    }
    try {
      context.stored = await readStored(client, context);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return skipped(`${error.message}; --query-url chooses another address`);
    }
    const { series } = context.stored;
    const acknowledged = [...context.written.values()].filter(({ isDoubtful }) => isDoubtful !== true);
    const found = acknowledged.filter(({ probe }) => series.has(probe)).length;
    return ok(`${found} of ${acknowledged.length} series that were acknowledged are found at ${client.endpoint}`);
  },
};

/** Asks for all that was written; if the server does not answer queries over such a time, for what is recent. */
async function readStored(client: QueryClient, context: CheckContext): Promise<StoredProbes> {
  const oldestMs = Math.min(...[...context.written.values()].map(({ time }) => time)) - 1000;
  const recentMs = context.baseTime - recentWindowMs;
  try {
    return await readSince(client, context, oldestMs);
  } catch (error) {
    if (!(error instanceof QueryError) || !error.isPermanent || oldestMs >= recentMs) throw error;
    return await readSince(client, context, recentMs);
  }
}

/** Asks until everything is there, or nothing more comes. */
async function readSince(client: QueryClient, context: CheckContext, sinceMs: number): Promise<StoredProbes> {
  const { readBackMs, options: { monotonicNow, sleep, now } } = context;
  const probes = [...context.written.values()];
  const range = { startMs: sinceMs, endMs: now() + aheadMs };
  const window = `${Math.ceil((range.endMs - sinceMs) / 1000)}s`;
  const names = [...new Set(probes.map(({ name = checkName }) => name))];
  const expected = probes.filter(({ time, isDoubtful }) => isDoubtful !== true && time >= sinceMs);
  const started = monotonicNow();
  let series = new Set<string>();
  for (let grewAt = started, attempt = 0;; attempt++) {
    const found = new Set<string>();
    for (const name of names) {
      // The last matcher excludes nothing: VictoriaMetrics remembers for ten seconds that a selector found nothing.
      const matchers = `__name__=${JSON.stringify(name)},run="${context.run}",probe!="attempt ${attempt}"`;
      for (const { labels } of await client.samples(`{${matchers}}[${window}]`, range.endMs)) {
        found.add(labels.probe ?? "");
      }
    }
    const askedAt = monotonicNow();
    if (found.size > series.size) grewAt = askedAt;
    series = found;
    const isComplete = expected.every(({ probe }) => found.has(probe));
    const isOver = askedAt - started >= readBackMs || (found.size > 0 && askedAt - grewAt >= readBackMs * quietPart);
    if (isComplete || isOver) {
      return { series, sinceMs, hasExemplar: await hasExemplar(client, { probes, range, context }) };
    }
    await sleep(Math.min(pauseMs, readBackMs / 10), new AbortController().signal);
  }
}

async function hasExemplar(
  client: QueryClient,
  { probes, range, context }: {
    readonly probes: readonly Probe[];
    readonly range: { readonly startMs: number; readonly endMs: number };
    readonly context: CheckContext;
  },
): Promise<boolean> {
  if (probes.every(({ exemplars }) => exemplars === undefined)) return false;
  try {
    return (await client.exemplars(`${checkName}{run="${context.run}"}`, range)).length > 0;
  } catch (error) {
    if (error instanceof QueryError) return false;
    throw error;
  }
}

/**
 * Applies the default gate to two runs.
 *
 * @module
 */
import { formatChange } from "./format_value.ts";
import type { Judgement } from "./judgement.ts";
import type { Extent } from "./promql.ts";
import type { RunReader } from "./run_reader.ts";
import type { StoredMetric } from "./stored_metrics.ts";
import { compareWindows, type WindowComparison, windowGateDefaults, type WindowPair } from "./window_gate.ts";

/** The metrics of the gate: the first that both runs have counts. */
const candidates = [
  ...["http_req_duration", "grpc_req_duration", "browser_http_req_duration", "ws_session_duration"],
  "iteration_duration",
];

/** The most windows, and the shortest one: a series needs two samples in a window. */
const [maxWindows, minWindowMs] = [30, 2000] as const;

/** Judges the windows of a run by those of another. @throws QueryError */
export async function compareRunWindows(
  current: RunReader,
  baseline: RunReader,
): Promise<{ readonly judgement: Judgement; readonly windows?: WindowComparison | undefined }> {
  const name = candidates.find((name) => current.find(name) !== undefined && baseline.find(name) !== undefined);
  const metrics = name === undefined ? undefined : { current: current.find(name), baseline: baseline.find(name) };
  const subject = { metric: name ?? "http_req_duration", expression: "p(95) is not higher" };
  const unanswered = (detail: string): { judgement: Judgement } => ({
    judgement: { ...subject, state: "unanswered", detail },
  });
  if (metrics?.current === undefined || metrics.baseline === undefined) {
    return unanswered("the runs have no duration in common; --fail-if compares another metric");
  }
  if ([metrics.current, metrics.baseline].some((metric) => metric.type !== "trend" || metric.form === "stats")) {
    return unanswered("it needs histograms; send with --trend-as native (or histogram), or use --fail-if");
  }
  const lengthMs = Math.min(lengthOf(current.extent), lengthOf(baseline.extent));
  // Senders with a longer flush period have no two samples in a short window.
  const shortestMs = Math.max(minWindowMs, Math.ceil(lengthMs / maxWindows));
  for (let windowMs = shortestMs; lengthMs / windowMs > windowGateDefaults.minPairs; windowMs *= 2) {
    const pairs: WindowPair[] = [];
    for (let at = 0; at + windowMs <= lengthMs; at += windowMs) {
      pairs.push({
        current: await windowOf(current, metrics.current, { at, windowMs }),
        baseline: await windowOf(baseline, metrics.baseline, { at, windowMs }),
      });
    }
    const windows = compareWindows(pairs);
    if (windows === undefined) continue;
    if (windows.isBlind && !windows.failed) {
      return {
        ...unanswered(
          "the buckets of the histograms are too wide to see a small change; send with --trend-as native, or with narrower --buckets",
        ),
        windows,
      };
    }
    const detail = `${formatChange(windows.change)} in ${windows.pairs} pairs of windows`;
    const state = windows.failed ? "crossed" : "passed";
    return { judgement: { ...subject, state, value: windows.change, detail }, windows };
  }
  return unanswered(
    `the runs have fewer than ${windowGateDefaults.minPairs} windows with ${windowGateDefaults.minValues} values; ` +
      "--fail-if compares the whole runs",
  );
}

function windowOf(
  reader: RunReader,
  metric: StoredMetric,
  { at, windowMs }: { readonly at: number; readonly windowMs: number },
): ReturnType<RunReader["increase"]> {
  const startMs = reader.extent.startMs + at;
  return reader.increase(metric, { startMs, endMs: startMs + windowMs });
}

function lengthOf({ startMs, endMs }: Extent): number {
  return endMs - startMs;
}

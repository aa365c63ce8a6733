/**
 * The steps that find out which samples the endpoint accepts: old and future ones, native histograms, exemplars, metadata and UTF-8
 * names.
 *
 * @module
 */
import type { CheckContext } from "./check_context.ts";
import { checkName, type Probe } from "./probe.ts";
import { formatAge } from "./format_age.ts";
import { metadataBody } from "./probe_body.ts";
import { describeAnswer, isAcknowledged } from "./probe_client.ts";
import { type Finding, loss, ok, skipped, type Step, warning } from "./step.ts";

/** The finding of a step that would write. */
export const readOnly: Finding = skipped("--read-only");

/** From a minute to 45 days. */
const oldestDoubling = 16;

/** Prometheus 2.42 accepts any later sample, and refuses the samples of the present from all senders then. */
const latestDoubling = 2;

/** What the endpoint did with samples at doubling distances from the present. */
interface Reach {
  /** The probes that were acknowledged, the nearest first. */
  readonly taken: readonly (Probe & { readonly distanceMs: number })[];
  /** The distance of the first that was refused; undefined if none was. */
  readonly refusedMs: number | undefined;
  /** Why the endpoint refused that sample; "" if it refused none. */
  readonly refusal: string;
}

/** Writes samples at doubling distances, each to a series of its own, until one is refused. */
async function reach(
  context: CheckContext,
  { sign, doublings, word }: { sign: 1 | -1; doublings: number; word: string },
): Promise<Reach> {
  const taken: (Probe & { distanceMs: number })[] = [];
  for (let doubling = 0; doubling <= doublings; doubling++) {
    const distanceMs = 60_000 * 2 ** doubling;
    const probe = { probe: `${formatAge(distanceMs)} ${word}`, time: context.baseTime + sign * distanceMs };
    const answer = await context.write([probe]);
    if (!isAcknowledged(answer)) return { taken, refusedMs: distanceMs, refusal: describeAnswer(answer) };
    taken.push({ ...probe, distanceMs });
  }
  return { taken, refusedMs: undefined, refusal: "" };
}

/** How old samples may be. */
export const oldSamples: Step = {
  name: "old samples",
  async run(context) {
    if (context.readOnly) return readOnly;
    const { taken, refusedMs, refusal } = await reach(context, { sign: -1, doublings: oldestDoubling, word: "old" });
    const say = (limitMs: number, refused: string): Finding => {
      if (refused === "") return ok(`accepted up to an age of ${formatAge(limitMs)}, the oldest that was tried`);
      const accepted = limitMs === 0
        ? `refused from an age of ${formatAge(60_000)} on`
        : `accepted up to an age of ${formatAge(limitMs)}`;
      const detail = `${accepted} (${refused})`;
      const { retryDeadlineMs } = context.options;
      return limitMs >= Math.min(retryDeadlineMs, 300_000)
        ? ok(`${detail}; older recordings need --shift-to-now`)
        : loss(
          `${detail}, so what waits longer in an outage is lost`,
          "Prometheus: storage.tsdb.out_of_order_time_window. Recordings need --shift-to-now.",
        );
    };
    const limitMs = taken.at(-1)?.distanceMs ?? 0;
    const refused = refusedMs === undefined ? "" : `${formatAge(refusedMs)}: ${refusal}`;
    return {
      ...say(limitMs, refused),
      confirm: ({ series, sinceMs }) => {
        const missing = taken.find(({ probe, time }) => time >= sinceMs && !series.has(probe));
        if (missing === undefined) return say(limitMs, refused);
        const stored = taken[taken.indexOf(missing) - 1]?.distanceMs ?? 0;
        const finding = say(stored, `${formatAge(missing.distanceMs)}: acknowledged, but not stored`);
        return finding.verdict === "ok" ? { ...finding, verdict: "warning" } : finding;
      },
    };
  },
};

/** How far ahead of the present samples may be. */
export const futureSamples: Step = {
  name: "future samples",
  async run(context) {
    if (context.readOnly) return readOnly;
    const { taken, refusedMs, refusal } = await reach(context, { sign: 1, doublings: latestDoubling, word: "ahead" });
    const last = taken.at(-1);
    const reached = last === undefined ? "" : `accepted up to ${formatAge(last.distanceMs)} ahead`;
    if (refusedMs === undefined) return ok(`${reached}; more is not tried, because it can harm other senders`);
    return warning(
      `${reached === "" ? "refused" : `${reached}, refused`} from ${formatAge(refusedMs)} ahead on (${refusal})`,
      "Keep the clocks of the load generators right.",
    );
  },
};

const histogram: Probe["histogram"] = {
  count: 3,
  sum: 6,
  schema: 0,
  zeroThreshold: 1e-128,
  zeroCount: 0,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: [1, 2],
  negativeSpans: [],
  negativeCounts: [],
};

/** Whether native histograms are stored. */
export const nativeHistograms: Step = {
  name: "native histograms",
  async run(context) {
    if (context.readOnly) return readOnly;
    const probe: Probe = { probe: "native histogram", time: context.baseTime, histogram };
    const answer = await context.write([probe]);
    const isUsed = context.options.trendAs === "native";
    const enable = "Prometheus before 3.8 takes them with --enable-feature=native-histograms.";
    const fix = `Use --trend-as histogram or stats. ${enable}`;
    const refused = (detail: string): Finding =>
      isUsed
        ? loss(`${detail}, and --trend-as native sends them`, fix)
        : warning(detail, `Do not use --trend-as native. ${enable}`);
    if (!isAcknowledged(answer)) return refused(`the endpoint refuses native histograms (${describeAnswer(answer)})`);
    return ok("acknowledged", {
      confirm: ({ series }) =>
        series.has(probe.probe)
          ? ok("stored")
          : refused("the endpoint acknowledges native histograms, but does not store them"),
    });
  },
};

/** Finds out whether the endpoint keeps exemplars. */
export const exemplars: Step = {
  name: "exemplars",
  async run(context) {
    if (context.readOnly) return readOnly;
    const { baseTime } = context;
    const labels = [{ name: "trace_id", value: "00000000000000000000000000000001" }];
    const probe: Probe = { probe: "exemplar", time: baseTime, exemplars: [{ labels, value: 1, timestamp: baseTime }] };
    const answer = await context.write([probe]);
    const fix = "Prometheus keeps them with --enable-feature=exemplar-storage. Samples are not affected.";
    if (!isAcknowledged(answer)) {
      return warning(
        `the endpoint refuses a sample with an exemplar (${describeAnswer(answer)})`,
        "Only scripts that trace requests send exemplars; some of their samples are lost.",
      );
    }
    const counted = answer.written === undefined ? undefined : answer.written.exemplars > 0;
    return counted === false
      ? warning("the endpoint accepts exemplars, but keeps none", fix)
      : ok("acknowledged; whether they are kept is not known", {
        confirm: ({ hasExemplar }) =>
          hasExemplar ? ok("kept") : warning("the endpoint accepts exemplars, but keeps none", fix),
      });
  },
};

/** Whether metadata is accepted. Receivers do not show what they keep of it. */
export const metadata: Step = {
  name: "metadata",
  async run(context) {
    if (context.readOnly) return readOnly;
    // In 2.0, the series of the present sample had it.
    if (context.version === "2.0") return ok("accepted, in the series");
    const body = metadataBody(checkName, { type: "gauge", help: "A series of k6-remote-write check." });
    const answer = await context.client.send({ version: "1.0", body });
    return isAcknowledged(answer) ? ok("accepted") : warning(
      `the endpoint refuses metadata (${describeAnswer(answer)})`,
      "Types and help texts are missing there; samples are not affected.",
    );
  },
};

/** Whether 2.0 stores names of any characters. */
export const utf8Names: Step = {
  name: "UTF-8 names",
  async run(context) {
    if (context.readOnly) return readOnly;
    if (context.version !== "2.0") return skipped("1.0 has no such names, and k6's metrics do not need them");
    const probe: Probe = {
      ...{ probe: "UTF-8", time: context.baseTime, name: `${checkName}.größe` },
      labels: [{ name: "http.route", value: "/" }],
    };
    const answer = await context.write([probe]);
    if (!isAcknowledged(answer)) {
      return warning(
        `the endpoint refuses UTF-8 names (${describeAnswer(answer)})`,
        "Use names of letters, digits and _.",
      );
    }
    return ok("acknowledged", {
      confirm: ({ series }) =>
        series.has(probe.probe)
          ? ok("stored")
          : warning("the endpoint acknowledges UTF-8 names, but queries do not find them"),
    });
  },
};

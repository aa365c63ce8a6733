/**
 * What the endpoint does with samples of the present: the version of the protocol, storing, and requests with a refused sample.
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";
import type { CheckContext } from "./check_context.ts";
import { presentProbe, type Probe } from "./probe.ts";
import {
  type Answer,
  describeAnswer,
  describeOther,
  isAcknowledged,
  isOfOtherService,
  type NoAnswer,
} from "./probe_client.ts";
import { fault, type Finding, loss, ok, skipped, type Step, unknown, warning } from "./step.ts";
import { readOnly } from "./sample_steps.ts";

/** Finds out whether the endpoint knows 2.0. */
export const version: Step = {
  name: "2.0 or 1.0",
  async run(context) {
    const { protocol } = context.options;
    if (protocol === "1.0") {
      context.version = "1.0";
      return ok("1.0, as --protocol says");
    }
    const answer = context.readOnly ? await context.empty("2.0") : await context.write([presentProbe(context)], "2.0");
    // A refusal of the sample says nothing about the version, unlike the answer to a request without series.
    const empty = await context.empty("2.0");
    if (answer.written !== undefined || (isAcknowledged(empty) && empty.written !== undefined)) {
      context.version = "2.0";
      return ok("2.0");
    }
    // Some receivers count only what they stored.
    if (context.readOnly && isAcknowledged(answer)) return skipped("a request without series does not show it");
    const problem = isAcknowledged(answer)
      ? `it answers ${describeAnswer(answer)} without the headers of 2.0, so it stored nothing`
      : describeAnswer(answer);
    if (isAcknowledged(answer)) context.written.clear();
    if (protocol === "2.0") {
      return fault(`the endpoint does not show that it knows 2.0: ${problem}`, "Use --protocol auto or 1.0.");
    }
    context.version = "1.0";
    return ok(`1.0 (2.0: ${problem})`);
  },
};

/** Writes a sample of the present time, unless the step before has written it. */
export const presentSamples: Step = {
  name: "present samples",
  async run(context) {
    if (context.readOnly) return readOnly;
    const probe = presentProbe(context);
    const isWritten = context.version === "2.0" && context.written.has(probe.probe);
    const answer = isWritten ? undefined : await context.write([probe]);
    if (answer !== undefined && !isAcknowledged(answer)) return refusalOf(answer, context);
    const confirm: Finding["confirm"] = ({ series }) =>
      series.has(probe.probe) ? ok("stored") : fault(
        "the endpoint acknowledges samples, but does not store them: queries do not find them",
        "Check that the URL leads to the server that is queried. The endpoint's logs may say what it drops.",
      );
    return answer !== undefined && isOfOtherService(answer)
      ? unknown(describeOther(answer), { confirm })
      : ok("acknowledged; whether they are stored is not known", { confirm });
  },
};

/** Explains why the endpoint refuses a sample of the present. */
function refusalOf(answer: Answer | NoAnswer, context: CheckContext): Finding {
  const shown = describeAnswer(answer);
  const { words } = answer;
  const skew = "Compare the clocks of both machines.";
  if (/out of bounds|too[ -]old|too far in the past|timestamp.*old/i.test(words)) {
    return fault(
      `the endpoint refuses samples of the present time as too old (${shown})`,
      `${skew} If they agree, some sender has written samples in the future, after which Prometheus refuses those of the present.`,
    );
  }
  if (/future/i.test(words)) {
    return fault(`the endpoint refuses samples of the present time as being in the future (${shown})`, skew);
  }
  if (answer.status === 413) {
    return fault(
      `the endpoint refuses a request of some hundred bytes as too large (${shown})`,
      "Raise the limit of the body in the endpoint or the proxy (nginx: client_max_body_size).",
    );
  }
  if (answer.status === 429) {
    return fault(`the endpoint has too many requests or series (${shown})`, "Raise its limits.");
  }
  if (answer.status === undefined && answer.kind === "timeout") {
    return fault(
      `the endpoint answers requests without series, but samples take longer than ${
        formatDurationMs(context.options.timeoutMs)
      }`,
      "Check the endpoint's storage. To wait longer, use --timeout.",
    );
  }
  return fault(`the endpoint refuses a sample of the present time (${shown})`, "Look at the logs of the endpoint.");
}

/** Sends a sample that is out of order together with a good one, to find out what happens to the good one. */
export const refusedSamples: Step = {
  name: "refused samples",
  async run(context) {
    if (context.readOnly) return readOnly;
    const good: Probe = { probe: "good", time: context.baseTime };
    const bad: Probe = { ...presentProbe(context), time: context.baseTime - 1000, value: 2 };
    const answer = await context.write([good, bad]);
    // The series "present" has its newer sample, too.
    context.note(presentProbe(context));
    if (answer.status === undefined) {
      return warning(`no answer to a request with a sample out of order: ${answer.reason}`);
    }
    if (isAcknowledged(answer)) {
      return ok("samples out of order are acknowledged", {
        confirm: ({ series }) =>
          series.has(good.probe) ? ok("samples out of order are accepted, or dropped alone") : loss(
            "the endpoint acknowledges a request with a sample that it refuses, and drops the good sample in it",
            "Ask who runs the endpoint. Use --instance auto, so that no other sender writes to the same series.",
          ),
      });
    }
    const shown = describeAnswer(answer);
    const stored = answer.written === undefined ? undefined : answer.written.samples > 0;
    if (stored !== false) context.note({ ...good, isDoubtful: stored === undefined });
    const say = (isStored: boolean | undefined): Finding => {
      if (isStored === true) return ok(`of a request with a refused sample, the good part is stored (${shown})`);
      const what = isStored === false
        ? `a request with one refused sample is refused as a whole (${shown})`
        : `whether the good part of a request with a refused sample is stored is not known (${shown})`;
      return context.options.bisect
        ? ok(`${what}; the sender finds the sample and sends the others again`)
        : loss(`${what}, and --no-bisect loses the good ones`, "Leave out --no-bisect.");
    };
    return { ...say(stored), confirm: ({ series }) => say(series.has(good.probe)) };
  },
};

/** Marks the series as ended, so that queries stop to show them at once. */
export const staleMarkers: Step = {
  name: "staleness markers",
  async run(context) {
    if (context.readOnly) return readOnly;
    // The others are so old that no query shows them as present.
    const recent = [...context.written.values()].filter(({ time }) => time > context.baseTime - 300_000);
    if (recent.length === 0) return skipped("nothing was acknowledged");
    const markers = recent.map(({ exemplars: _, ...probe }) => ({ ...probe, time: probe.time + 1, stale: true }));
    const together = await context.write(markers);
    if (isAcknowledged(together)) return ok(`${recent.length} series are marked as ended`);
    let refused = 0;
    for (const marker of markers) if (!isAcknowledged(await context.write([marker]))) refused++;
    return refused === 0 ? ok(`${recent.length} series are marked as ended, one by one`) : warning(
      `${refused} of ${recent.length} staleness markers are refused (${describeAnswer(together)})`,
      "Do not use --stale-markers. Series end some minutes after their last sample.",
    );
  },
};

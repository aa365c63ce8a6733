/**
 * The steps of a check: what each one finds out, and how they follow each other.
 *
 * @module
 */
import type { CheckContext } from "./check_context.ts";
import type { StoredProbes } from "./probe.ts";

/** The result of a step. `skipped`: another fault, an option or the endpoint itself left nothing to find out. */
type Verdict = "ok" | "warning" | "fault" | "skipped";

/** What a step found out. */
export interface Finding {
  readonly verdict: Verdict;
  /** What the step found out, in one sentence without a full stop. */
  readonly detail: string;
  /** What the user can do: one or two sentences. */
  readonly fix?: string | undefined;
  /** Whether a fault loses only a part of the results. Otherwise nothing arrives, and the steps after it are skipped. */
  readonly losesData?: boolean;
  /** Whether it is not known that the endpoint is a receiver. */
  readonly isUnknown?: boolean;
  /** Returns what the endpoint's answers to queries change. */
  readonly confirm?: (stored: StoredProbes) => Finding;
}

/** One question that `check` asks the endpoint or the configuration. */
export interface Step {
  readonly name: string;
  run(context: CheckContext): Promise<Finding> | Finding;
}

/** What came of one step. */
export interface StepResult extends Omit<Finding, "confirm"> {
  readonly name: string;
  /** How long the step took, in milliseconds. */
  readonly ms: number;
}

/** Makes a finding that something is as it must be. */
export function ok(detail: string, more: Pick<Finding, "confirm"> = {}): Finding {
  return { ...more, verdict: "ok", detail };
}

/** Makes a finding that a user should know, although nothing is lost because of it. */
export function warning(detail: string, fix?: string): Finding {
  return { verdict: "warning", detail, fix };
}

/** Makes a finding that the endpoint is perhaps no receiver. */
export function unknown(detail: string, more: Pick<Finding, "confirm"> = {}): Finding {
  const fix = "Check the URL. If it is that of a receiver, --query-url lets check read back what it wrote.";
  return { ...more, verdict: "warning", detail, fix, isUnknown: true };
}

/** Makes a finding because of which nothing arrives. */
export function fault(detail: string, fix?: string): Finding {
  return { verdict: "fault", detail, fix };
}

/** Makes a finding because of which a part of the results is lost. */
export function loss(detail: string, fix?: string): Finding {
  return { verdict: "fault", detail, fix, losesData: true };
}

/** Makes a finding of a step that found nothing out. */
export function skipped(detail: string): Finding {
  return { verdict: "skipped", detail };
}

/** Reports whether nothing arrives because of a finding. */
export function stopsAll({ verdict, losesData }: Finding): boolean {
  return verdict === "fault" && losesData !== true;
}

/** Begins the reason of a step that was skipped for another step's fault. */
const becauseOf = "because of the fault in";

/** A step's finding, with its name and its time. */
interface Run {
  readonly name: string;
  readonly ms: number;
  readonly finding: Finding;
}

/** Runs the steps in order, up to the first fault because of which nothing arrives. It gives the reason for which the others are skipped. */
export async function runSteps(steps: readonly Step[], context: CheckContext): Promise<readonly StepResult[]> {
  const runs: Run[] = [];
  let cause: string | undefined;
  for (const { name, run } of steps) {
    const started = context.options.monotonicNow();
    const { limited } = context.client;
    const found = cause === undefined ? await run(context) : skipped(`${becauseOf} "${cause}"`);
    // A check sends more requests than a run does, so such a limit says nothing else.
    const isLimited = context.client.limited > limited && !stopsAll(found);
    const finding = isLimited ? skipped("not known: the endpoint limits the rate of requests (status 429)") : found;
    runs.push({ name, finding, ms: context.options.monotonicNow() - started });
    if (stopsAll(finding)) cause ??= name;
  }
  const { stored } = context;
  if (stored === undefined) return runs.map(resultOf);
  // The samples that were read back can show such a fault later. It explains what else is missing.
  cause = undefined;
  return runs.map((run) => {
    const { name, finding } = run;
    if (finding.confirm === undefined) return resultOf(run);
    const confirmed = cause === undefined ? finding.confirm(stored) : skipped(`${becauseOf} "${cause}"`);
    if (stopsAll(confirmed)) cause ??= name;
    return resultOf({ ...run, finding: confirmed });
  });
}

function resultOf({ name, ms, finding: { confirm: _, ...finding } }: Run): StepResult {
  return { name, ...finding, ms };
}

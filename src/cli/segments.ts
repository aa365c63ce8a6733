/**
 * Distinguishes the instances of a distributed run.
 *
 * @module
 */
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { Environment } from "./runtime.ts";

/** The k6 that is to be run. */
interface SegmentOptions {
  readonly args: readonly string[];
  readonly env: Environment;
}

/**
 * Reports whether k6 runs a segment of a test, while its series would have the same labels as those of the other segments: receivers
 * would then store the values of all segments as one series.
 */
export function needsInstance(
  { instance, labels = {} }: RemoteWriteOutputOptions,
  { args, env }: SegmentOptions,
): boolean {
  const isSegment = (env.K6_EXECUTION_SEGMENT ?? "") !== "" ||
    args.some((argument) => /^--execution-segment(?:=|$)/.test(argument));
  const tags = args.flatMap((argument, at) =>
    argument === "--tag" ? [args[at + 1] ?? ""] : [/^--tag=(.*)$/s.exec(argument)?.[1] ?? ""]
  );
  // k6-operator sets the tag instance_id.
  const isDistinct = instance !== undefined || "instance" in labels ||
    tags.some((tag) => /^instance(?:_id)?=/.test(tag));
  return isSegment && !isDistinct;
}

/**
 * The limits of the endpoint: the size of requests, and the number and length of labels.
 *
 * @module
 */
import { formatBytes } from "../format.ts";
import type { CheckContext } from "./check_context.ts";
import type { Probe } from "./probe.ts";
import { paddedBody } from "./probe_body.ts";
import { type Answer, describeAnswer, isAcknowledged, type NoAnswer } from "./probe_client.ts";
import { readOnly } from "./sample_steps.ts";
import { type Finding, loss, ok, type Step, warning } from "./step.ts";

/** The sender does not divide requests that are smaller, so a lower limit loses samples. */
const smallestBytes = 8 * 1024;

/** Whether the largest requests that the sender makes are accepted. The requests have no series, but a field that no receiver knows. */
export const requestSize: Step = {
  name: "request size",
  async run(context) {
    if (context.readOnly) return readOnly;
    const { maxBodyBytes, maxDecodedBytes } = context.options;
    let size = { bodyBytes: maxBodyBytes, decodedBytes: maxDecodedBytes };
    let refusal: Answer | NoAnswer | undefined;
    while (size.bodyBytes >= 512) {
      const answer = await context.client.send({
        version: context.version ?? "1.0",
        body: paddedBody(context.version ?? "1.0", size),
      });
      if (isAcknowledged(answer)) break;
      refusal ??= answer;
      size = { bodyBytes: Math.floor(size.bodyBytes / 2), decodedBytes: Math.floor(size.decodedBytes / 2) };
    }
    const accepted = `${formatBytes(size.bodyBytes)} (${formatBytes(size.decodedBytes)} before compression)`;
    if (refusal === undefined) return ok(`accepted up to ${accepted}, the largest that the sender makes`);
    const shown = describeAnswer(refusal);
    // Perhaps the receiver refuses the unknown field.
    if (size.bodyBytes < 512) return warning(`not known: the endpoint refuses each of the requests (${shown})`);
    const detail = `the endpoint refuses requests of ${formatBytes(maxBodyBytes)} (${shown}), and accepts ${accepted}`;
    const fix = `Use --max-body-bytes ${size.bodyBytes} --max-decoded-bytes ${size.decodedBytes}, or raise the limit ` +
      "(nginx: client_max_body_size).";
    return size.bodyBytes >= smallestBytes
      ? warning(`${detail}; the sender divides what is refused, which takes time`, fix)
      : loss(detail, fix);
  },
};

/** The numbers of labels, and the lengths of a value in bytes, that are tried. k6's own series have fewer than the first. */
const [labelCounts, valueLengths] = [[20, 30, 40], [200, 1000, 4000]] as const;

/** How many labels a series may have, and how long a value may be. */
export const labelLimits: Step = {
  name: "label limits",
  async run(context) {
    if (context.readOnly) return readOnly;
    const byCount = labelCounts.map((count) => ({
      size: count,
      probe: seriesWith(context, `${count} labels`, labels(count)),
    }));
    const byLength = valueLengths.map((length) => ({
      size: length,
      probe: seriesWith(context, `${length} bytes`, [{ name: "value", value: "v".repeat(length) }]),
    }));
    const counts = await tryAll(context, byCount);
    const lengths = await tryAll(context, byLength);
    const say = (isStored: (probe: Probe) => boolean): Finding => {
      const [labelsFound, valuesFound] = [largest(counts, isStored), largest(lengths, isStored)];
      const parts = [
        describeLimit(labelsFound, (size) => `series with ${size} labels`),
        describeLimit(valuesFound, (size) => `values of ${size} bytes`),
      ];
      const detail = parts.join("; ");
      const fix = "Drop or shorten labels with --relabel-config-file, or raise the endpoint's limits.";
      if (labelsFound.accepted === 0 || valuesFound.accepted === 0) return loss(detail, fix);
      return [labelsFound, valuesFound].every(({ refused }) => refused === undefined)
        ? ok(detail)
        : warning(detail, fix);
    };
    return { ...say(() => true), confirm: ({ series }) => say(({ probe }) => series.has(probe)) };
  },
};

/** The result of one size. */
interface Tried {
  readonly size: number;
  readonly probe: Probe;
  readonly answer: Answer | NoAnswer;
}

async function tryAll(context: CheckContext, sizes: readonly Omit<Tried, "answer">[]): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  for (const each of sizes) {
    const answer = await context.write([each.probe]);
    tried.push({ ...each, answer });
    if (!isAcknowledged(answer)) break;
  }
  return tried;
}

/** Returns the largest size that is stored, 0 for none, and what happened to the next one. */
function largest(
  tried: readonly Tried[],
  isStored: (probe: Probe) => boolean,
): { readonly accepted: number; readonly refused: { readonly size: number; readonly how: string } | undefined } {
  let accepted = 0;
  for (const { size, probe, answer } of tried) {
    if (!isAcknowledged(answer)) return { accepted, refused: { size, how: describeAnswer(answer) } };
    if (!isStored(probe)) return { accepted, refused: { size, how: "acknowledged, but not stored" } };
    accepted = size;
  }
  return { accepted, refused: undefined };
}

function describeLimit(
  { accepted, refused }: ReturnType<typeof largest>,
  describe: (size: number) => string,
): string {
  if (refused === undefined) return `${describe(accepted)} are accepted`;
  return `${describe(refused.size)} are refused (${refused.how})${accepted === 0 ? "" : `, ${accepted} are accepted`}`;
}

function seriesWith(context: CheckContext, probe: string, labels: Probe["labels"]): Probe {
  return { probe, time: context.baseTime, labels };
}

/** Returns labels so that a series has this many, together with the name, the run and the probe. */
function labels(count: number): NonNullable<Probe["labels"]> {
  return Array.from(
    { length: count - 3 },
    (_, index) => ({ name: `label_${String(index).padStart(2, "0")}`, value: "v" }),
  );
}

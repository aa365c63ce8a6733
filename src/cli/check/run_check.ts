/**
 * Runs a check: reads the options, runs the steps, and puts the result together.
 *
 * @module
 */
import { resolveOptions } from "../../k6/output/resolve_options.ts";
import { ConfigurationError, isRemoteWriteError } from "../../model/errors.ts";
import { redactUrl } from "../../send/redact.ts";
import type { Arguments } from "../arguments.ts";
import { readOutputOptions } from "../output_options.ts";
import { type Environment, environment } from "../runtime.ts";
import { answer, clock, compression, credentials, path, receiver, tenant } from "./answer_steps.ts";
import { CheckContext } from "./check_context.ts";
import { checkName } from "./probe.ts";
import type { CheckReport } from "./check_report.ts";
import { allOptions, configuration } from "./configuration_step.ts";
import { labelLimits, requestSize } from "./limit_steps.ts";
import { connection, nameResolution, proxyStep } from "./network_steps.ts";
import { exemplars, futureSamples, metadata, nativeHistograms, oldSamples, utf8Names } from "./sample_steps.ts";
import { fault, runSteps, type Step } from "./step.ts";
import { readBack } from "./read_back.ts";
import { tlsStep } from "./tls_step.ts";
import { presentSamples, refusedSamples, staleMarkers, version } from "./version_steps.ts";

/** The steps that send at most requests without series. */
export const readingSteps: readonly Step[] = [
  ...[configuration, nameResolution, connection, proxyStep, tlsStep],
  ...[answer, path, receiver, credentials, tenant, compression, clock],
];

/** The steps that write. Old samples come before future ones, which can change which samples are too old. */
const writingSteps: readonly Step[] = [
  ...[version, presentSamples, refusedSamples, oldSamples, futureSamples, nativeHistograms, exemplars, metadata],
  ...[utf8Names, requestSize, labelLimits, readBack, staleMarkers],
];

/** What `check` may do, and what it reads its options from. */
interface CheckOptions {
  readonly readOnly: boolean;
  /** The URL of the endpoint's query API. @default derived from the write URL */
  readonly queryUrl?: string | undefined;
  /** The environment variables to read options from. @default those of the process */
  readonly env?: Environment;
  /** How long to look for what was written, in milliseconds. @default 5000 */
  readonly readBackMs?: number;
}

/** Checks the endpoint that arguments, variables and a configuration file name, in the way in which `send` reads them. */
export async function runCheck(
  given: Arguments,
  { readOnly, queryUrl, env = environment, readBackMs }: CheckOptions,
): Promise<CheckReport> {
  let context: CheckContext;
  const started = performance.now();
  try {
    const { options, ...sources } = readOutputOptions(given, { warn: () => {}, env });
    if (options.endpoints !== undefined) {
      throw new ConfigurationError(
        `Cannot check: there are ${options.endpoints.length} endpoints, expected one: check URL says which`,
      );
    }
    context = new CheckContext({ ...sources, options: resolveOptions(options), env, readOnly, queryUrl, readBackMs });
  } catch (error) {
    if (!isRemoteWriteError(error, "configuration")) throw error;
    const finding = fault(error.message.replace(/\.$/, ""));
    const ms = performance.now() - started;
    return {
      ...{ endpoint: undefined, readOnly, options: [], requests: 0, written: undefined },
      steps: [{ name: configuration.name, ...finding, ms }],
    };
  }
  const steps = await runSteps([...readingSteps, ...writingSteps], context);
  const { run, stored } = context;
  const isStored = stored !== undefined && stored.series.size > 0;
  const series = [...context.written.values()].filter(({ isDoubtful }) => isDoubtful !== true).length;
  return {
    endpoint: redactUrl(context.url),
    readOnly,
    options: allOptions(context),
    steps,
    requests: context.client.requests,
    written: series === 0 ? undefined : { series, selector: `${checkName}{run="${run}"}`, isStored },
  };
}

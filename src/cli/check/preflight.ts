/**
 * What `run` and `send` find out about their endpoint before they begin, and the line that says where results go.
 *
 * By default, it opens a connection and sends nothing: that shows what is wrong most often, and a receiver gets no request that no
 * sender would make (some refuse a request without series). With `--require-endpoint`, it runs the steps of `check --read-only`.
 *
 * @module
 */
import { parseBoolean } from "../../config/option_parsers.ts";
import { type ResolvedOptions, resolveOptions } from "../../k6/output/resolve_options.ts";
import { describeNetworkError } from "../../send/network_error.ts";
import { redactUrl } from "../../send/redact.ts";
import type { Flag } from "../arguments.ts";
import type { Log } from "../log.ts";
import type { CommandOptions } from "../output_options.ts";
import { type Environment, environment } from "../runtime.ts";
import { describeAuth } from "./answer_steps.ts";
import { CheckContext } from "./check_context.ts";
import { connectTo, firstHop } from "./network_steps.ts";
import { isAcknowledged } from "./probe_client.ts";
import { readingSteps } from "./run_check.ts";
import { runSteps, stopsAll } from "./step.ts";

/** The flag that makes a command end if its endpoint would not work. */
export const requireEndpointFlag: Flag = {
  flag: "require-endpoint",
  help: "Ask the endpoint first, and end with 2 if it would not work.",
  parse: parseBoolean,
};

/** How long the look at the endpoint may take, in milliseconds: a test must not begin much later because of it. */
const [connectMs, requestMs] = [1000, 5000] as const;

/** How to look at the endpoint. */
interface PreflightOptions {
  /** Whether the command must not begin if the endpoint would not work. */
  readonly required: boolean;
  readonly log: Pick<Log, "say">;
  /** The environment variables to read options from. @default those of the process */
  readonly env?: Environment;
}

/**
 * Says in one line for each endpoint where results go. Returns false if the endpoints are required, and one would not work: then it
 * says why.
 */
export async function preflight(command: CommandOptions, how: PreflightOptions): Promise<boolean> {
  const { endpoints, url: _url, ...options } = command.options;
  if (endpoints === undefined) return await preflightOne(command, how);
  const works = await Promise.all(
    endpoints.map(({ name: _name, labels: _labels, relabel: _relabel, ...client }, index) =>
      preflightOne({
        ...command,
        options: { ...options, ...client },
        network: command.endpointNetworks[index] ?? command.network,
      }, how)
    ),
  );
  return works.every((each) => each);
}

async function preflightOne(
  { options, ...sources }: CommandOptions,
  { required, log, env = environment }: PreflightOptions,
): Promise<boolean> {
  const resolved = resolveOptions(options);
  const timeoutMs = Math.min(resolved.timeoutMs, requestMs);
  const context = new CheckContext({ ...sources, options: { ...resolved, timeoutMs }, env, readOnly: true });
  if (!required) {
    const problem = await connectTo(firstHop(context), context, connectMs).then(
      () => undefined,
      (error) => describeNetworkError(error).reason,
    );
    if (problem === undefined) log.say("info", describeTarget(context, versionsOf(resolved)));
    else log.say("warn", `${describeTarget(context, versionsOf(resolved))}: not reachable at present (${problem}).`);
    return true;
  }
  const results = await runSteps(readingSteps, context);
  for (const result of results) {
    const { name, verdict, detail, fix } = result;
    if (verdict !== "fault") continue;
    const isFinal = stopsAll(result);
    const what = isFinal ? `The endpoint ${redactUrl(context.url)} would not work` : "The endpoint would lose data";
    log.say(isFinal ? "error" : "warn", [`${what}: ${name}: ${detail}.`, ...fix === undefined ? [] : [fix]]);
    if (isFinal) return false;
  }
  log.say("info", describeTarget(context, await shownVersion(context)));
  return true;
}

/** Returns the line such as `-> http://localhost:9090/api/v1/write (remote write 2.0, basic auth)`. */
function describeTarget(context: CheckContext, versions: string): string {
  const { proxy, url } = context;
  const facts = [
    `remote write ${versions}`,
    ...context.client.isAuthorized ? [describeAuth(context)] : [],
    ...proxy === undefined ? [] : [`through the proxy ${proxy.host}`],
  ];
  return `-> ${redactUrl(url)} (${facts.join(", ")})`;
}

function versionsOf({ protocol }: ResolvedOptions): string {
  return protocol === "auto" ? "2.0 or 1.0" : protocol;
}

/** Returns the version that the sender will use, as far as requests without series show it. */
async function shownVersion(context: CheckContext): Promise<string> {
  if (context.options.protocol !== "auto") return context.options.protocol;
  // An earlier step has got the answer.
  const answer = await context.empty("2.0");
  if (!isAcknowledged(answer)) return "1.0";
  return answer.written === undefined ? versionsOf(context.options) : "2.0";
}

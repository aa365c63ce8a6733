/**
 * The steps that send a request without series: is there a receiver, and does it accept the sender?
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";
import { compress } from "../../protocol/snappy.ts";
import { redactUrl } from "../../send/redact.ts";
import type { CheckContext } from "./check_context.ts";
import { type AnswerStep, diagnose, type Diagnosis, findingFor, isSwitchedOff } from "./diagnosis.ts";
import { formatAge } from "./format_age.ts";
import { presentProbe } from "./probe.ts";
import { emptyRequest } from "./probe_body.ts";
import { type Answer, describeAnswer, describeOther, isAcknowledged, isOfOtherService } from "./probe_client.ts";
import { fault, type Finding, loss, ok, skipped, type Step, unknown, warning } from "./step.ts";
import { speaksTls } from "./tls_step.ts";

/** The paths of remote write: Prometheus and VictoriaMetrics, Mimir, Grafana Cloud and Cortex, Thanos, a cluster of VictoriaMetrics. */
const knownPaths: readonly string[] = [
  "/api/v1/write",
  "/api/v1/push",
  "/api/prom/push",
  "/api/v1/receive",
  "/insert/0/prometheus/api/v1/write",
];

/** How far a clock may be off, in milliseconds, before a user should correct it, and before receivers refuse samples because of it. */
const [noticedSkewMs, refusedSkewMs] = [10_000, 600_000] as const;

/** Makes a step that looks at the answer to a request without series. */
function answerStep(
  name: AnswerStep,
  say: (context: CheckContext, answer: Answer) => Finding | Promise<Finding>,
  explain: (context: CheckContext, finding: Finding) => Finding | Promise<Finding> = (_, finding) => finding,
): Step {
  return {
    name: names[name],
    async run(context) {
      const answer = await context.first();
      const finding = findingFor(name, diagnosisOf(context, answer));
      if (finding !== undefined) return await explain(context, finding);
      // Without an answer, the first of these steps has a finding.
      return answer.status === undefined ? skipped("no answer came") : await say(context, answer);
    },
  };
}

const names: Readonly<Record<AnswerStep, string>> = {
  answer: "answer",
  path: "path",
  receiver: "receiver switched on",
  credentials: "credentials",
  tenant: "tenant header",
  compression: "compression",
};

function diagnosisOf(
  { client, options }: CheckContext,
  answer: Awaited<ReturnType<CheckContext["first"]>>,
): Diagnosis | undefined {
  const hasTenant = Object.keys(options.headers).some((name) => /org-?id|tenant/i.test(name));
  return diagnose(answer, { isAuthorized: client.isAuthorized, hasTenant });
}

/** Whether and how fast the endpoint answers. */
export const answer: Step = answerStep("answer", async (context, found) => {
  if (found.status === 400 && await isTlsPort(context)) return tlsPort;
  const { options } = context;
  const shown = `${describeAnswer(found)}, after ${formatDurationMs(found.ms)}`;
  if (found.ms > options.flushPeriodMs * options.shards) {
    return warning(
      `the endpoint is slow (${shown}): a flush takes longer than its period of ${
        formatDurationMs(options.flushPeriodMs)
      }`,
      "Use a longer --flush-period or more --shards.",
    );
  }
  // A later step names the fault, if the answer shows one.
  if (diagnosisOf(context, found) !== undefined) {
    return ok(`status ${found.status}, after ${formatDurationMs(found.ms)}`);
  }
  return isAcknowledged(found) ? ok(shown) : warning(`${shown}; some receivers refuse a request without series`);
}, async (context, finding) => {
  const found = await context.first();
  const isBroken = found.status === undefined && found.kind === "network";
  return isBroken && await isTlsPort(context) ? tlsPort : finding;
});

async function isTlsPort(context: CheckContext): Promise<boolean> {
  return context.url.protocol === "http:" && context.proxy === undefined && await speaksTls(context);
}

const tlsPort: Finding = fault(
  "the endpoint uses TLS on this port, and the URL begins with http://",
  "Use a URL that begins with https://.",
);

/** Whether the path is that of a receiver. If it is not, known paths are tried. */
export const path: Step = answerStep(
  "path",
  ({ url }, { followedTo }) =>
    followedTo === undefined ? ok(url.pathname) : warning(
      `each request is redirected to ${followedTo}`,
      "Use this URL, which saves a request each time.",
    ),
  async (context, finding) => {
    if (finding.verdict !== "fault") return finding;
    const found = await findReceiver(context);
    return found === undefined ? finding : { ...finding, fix: found };
  },
);

/** Tries known paths, and says which one to use; undefined if none is that of a receiver. */
async function findReceiver({ client, url }: CheckContext): Promise<string | undefined> {
  const base = url.pathname.replace(/\/+$/, "");
  const paths = new Set([`${base}${knownPaths[0]}`, ...knownPaths].filter((each) => each !== url.pathname));
  for (const pathname of paths) {
    const candidate = Object.assign(new URL(url), { pathname });
    const found = await client.send({ version: "1.0", body: compress(emptyRequest("1.0")), url: candidate });
    if (found.status === undefined) return undefined;
    if (isAcknowledged(found)) return `Use ${redactUrl(candidate)}, where a receiver answers.`;
    if (isSwitchedOff(found)) return `Use ${redactUrl(candidate)}, and switch the receiver on there.`;
  }
  return undefined;
}

/** Whether the receiver is switched on. */
export const receiver: Step = answerStep(
  "receiver",
  ({ readOnly }, found) => {
    if (readOnly && isOfOtherService(found)) return unknown(describeOther(found));
    return isAcknowledged(found) ? ok("it takes a request without series") : ok("it reads requests");
  },
);

/** Whether the credentials are accepted. */
export const credentials: Step = answerStep(
  "credentials",
  (context) =>
    ok(context.client.isAuthorized ? `accepted (${describeAuth(context)})` : "none are given, and none are required"),
);

/** Returns the method of authentication, without secrets. */
export function describeAuth(
  { options: { user, bearerToken, headers }, raw, url }: Pick<CheckContext, "options" | "raw" | "url">,
): string {
  if (raw.oauth2 !== undefined) return "OAuth 2.0";
  if (raw.sigv4 !== undefined) return "AWS signature";
  if (bearerToken !== undefined) return "bearer token";
  if (user !== undefined || url.username !== "") return "basic auth";
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization")
    ? "header Authorization"
    : "no authentication";
}

/** Whether a tenant is required, and given. */
export const tenant: Step = answerStep("tenant", ({ options }) => {
  const header = Object.keys(options.headers).find((name) => /org-?id|tenant/i.test(name));
  return ok(header === undefined ? "none is required" : `${header} is sent, and accepted`);
});

/** Whether the endpoint reads snappy. If it does not, gzip and no compression are tried, to name what it expects. */
export const compression: Step = answerStep("compression", () => ok("snappy"), async (context, finding) => {
  const plain = emptyRequest("1.0");
  for (const [encoding, body] of [["gzip", await gzip(plain)], ["identity", plain]] as const) {
    if (!isAcknowledged(await context.client.send({ version: "1.0", body, encoding }))) continue;
    const expects = encoding === "gzip" ? "gzip" : "no compression";
    return { ...finding, detail: `${finding.detail}; it expects ${expects}` };
  }
  // Perhaps it only refuses a body without series.
  const isRead = !context.readOnly && isAcknowledged(await context.write([presentProbe(context)], "1.0"));
  return isRead ? ok("snappy, of requests with series") : finding;
});

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Compares the endpoint's clock, from the header Date, with this machine's clock. */
export const clock: Step = {
  name: "clock difference",
  async run(context) {
    const found = await context.first();
    const { clockAheadMs: aheadMs = undefined, ms } = found.status === undefined ? { ms: 0 } : found;
    if (aheadMs === undefined) return skipped("the answer has no header Date");
    const difference = Math.abs(aheadMs);
    // The header has whole seconds, and it is not known when during the request it was written.
    const uncertainMs = 1500 + ms / 2;
    if (difference < uncertainMs) return ok(`less than ${Math.ceil(uncertainMs / 1000)} s`);
    const detail = `this machine's clock is ${formatAge(Math.round(difference / 1000) * 1000)} ${
      aheadMs > 0 ? "ahead of" : "behind"
    } the endpoint's`;
    if (difference < noticedSkewMs) return ok(detail);
    const fix = "Set the clocks of both machines, such as with NTP.";
    if (difference < refusedSkewMs) return warning(detail, fix);
    const refused = loss(`${detail}: receivers refuse samples that are so far off`, fix);
    const stored = warning(`${detail}: samples are stored at a wrong time`, fix);
    return { ...refused, confirm: ({ series }) => series.has(presentProbe(context).probe) ? stored : refused };
  },
};

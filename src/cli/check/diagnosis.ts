/**
 * Says what the answer to a request without series means.
 *
 * The words of a receiver only decide how a fault is explained here. Sending never depends on them.
 *
 * @module
 */
import { type Answer, describeAnswer, type NoAnswer } from "./probe_client.ts";
import { fault, type Finding, skipped } from "./step.ts";
import { tlsFaultOf } from "./tls_step.ts";

/** The steps that look at the answer, in order. */
const answerSteps = ["answer", "path", "receiver", "credentials", "tenant", "compression"] as const;

/** A step that looks at the answer. */
export type AnswerStep = (typeof answerSteps)[number];

/** A fault, and the step that must name it. */
export interface Diagnosis {
  readonly step: AnswerStep;
  readonly finding: Finding;
  /** Whether the steps before this one have no finding, because many servers check the credentials first. */
  readonly leavesOpen?: boolean;
}

/** What the check sent to the endpoint. */
interface Sent {
  /** Whether the request had credentials. */
  readonly isAuthorized: boolean;
  /** Whether the request had a header that names a tenant. */
  readonly hasTenant: boolean;
}

const tenantHeader = "--header X-Scope-OrgID:TENANT";

/** The words of Prometheus, old and new, if its receiver is off. */
const receiverOff = /remote.?write.*(?:needs to be|not|must be) enabled|enable.*remote-write-receiver/i;

/** The words of Mimir, Cortex and Loki. */
const noTenant =
  /no org id|tenant.{0,20}(?:missing|required|not (?:given|set|found))|(?:missing|no|requires a) tenant/i;

const wrongCompression = /snappy|gzip|decompress|content.?encoding|unsupported compression|corrupt input/i;

/** Returns the fault that an answer shows; undefined if it shows none. */
export function diagnose(answer: Answer | NoAnswer, sent: Sent): Diagnosis | undefined {
  if (answer.status === undefined) return { step: "answer", finding: findingOfSilence(answer) };
  const { status, words, location } = answer;
  const shown = describeAnswer(answer);
  if (status < 300 && status !== 101) return answer.isPage ? pageOf(status) : undefined;
  if (status >= 300 && status < 400) {
    const to = location === undefined ? "" : ` to ${location}`;
    return {
      step: "path",
      finding: fault(
        `the endpoint redirects${to} (status ${status}), and nothing is stored there`,
        location === undefined ? "Check the URL." : `If ${location} takes remote write, use it as the URL.`,
      ),
    };
  }
  if (noTenant.test(words)) {
    const fix = sent.hasTenant ? "Use another value of the tenant's header." : `Name the tenant: ${tenantHeader}.`;
    return { step: "tenant", finding: fault(`the endpoint requires a tenant (${shown})`, fix) };
  }
  if (isSwitchedOff(answer)) {
    return {
      step: "receiver",
      finding: fault(
        `the endpoint does not take remote write (${shown})`,
        "Start Prometheus with --web.enable-remote-write-receiver (before 2.33: --enable-feature=remote-write-receiver).",
      ),
    };
  }
  switch (status) {
    case 401:
    case 403:
      return { step: "credentials", finding: refusedCredentials(answer, sent), leavesOpen: true };
    case 404:
    case 405:
    case 410:
      return noReceiver(shown);
    case 413:
      return tooSmall(shown);
    case 407:
    case 429:
      return { step: "answer", finding: busy(answer) };
  }
  if (status >= 500) return { step: "answer", finding: serverError(status, shown) };
  if (status === 415 || wrongCompression.test(words)) {
    return {
      step: "compression",
      finding: fault(
        `the endpoint cannot read a body that is compressed with snappy (${shown})`,
        "Check that the path is that of remote write (not OTLP), and that no proxy changes the body or the header Content-Encoding.",
      ),
    };
  }
  if (/unsupported path|unknown path|no such (?:path|route)/i.test(words)) {
    return noReceiver(shown);
  }
  // Some receivers refuse a request without series, with one of these.
  if ([400, 409, 422].includes(status)) return undefined;
  return { step: "answer", finding: fault(`the endpoint refuses requests (${shown})`, "Ask who runs the endpoint.") };
}

function findingOfSilence({ kind, reason }: NoAnswer): Finding {
  if (kind === "timeout") {
    return fault(`the endpoint is too slow: ${reason}`, "Check the endpoint. To wait longer, use --timeout.");
  }
  if (kind === "credentials") return fault(reason, "Check the options of the authentication.");
  return tlsFaultOf(reason) ?? fault(`no answer came: ${reason}`, "Check that a web server listens on this port.");
}

function noReceiver(shown: string): Diagnosis {
  return {
    step: "path",
    finding: fault(`there is no receiver at this path (${shown})`, "Check the path of the URL."),
  };
}

function pageOf(status: number): Diagnosis {
  return {
    step: "path",
    finding: fault(
      `the endpoint answers with a page for people (status ${status}, text/html), and stores nothing`,
      "The URL probably names a wrong host or path, or leads to a login page.",
    ),
  };
}

function refusedCredentials(answer: Answer, { isAuthorized }: Sent): Finding {
  const shown = describeAnswer(answer);
  const scheme = answer.headers.get("www-authenticate")?.split(/[\s,]/)[0] ?? "";
  const wanted = scheme === "" ? "" : `, and asks for ${scheme.replace(/[^\w-]/g, "").slice(0, 30)}`;
  if (answer.status === 403) {
    return fault(
      `the endpoint forbids these requests (${shown})`,
      isAuthorized
        ? "The credentials lack the permission to write, or a gateway does not let this machine through."
        : "Give credentials: --user and --password, or --bearer-token. Or a gateway does not let this machine through.",
    );
  }
  return isAuthorized
    ? fault(
      `the endpoint rejects the credentials (${shown}${wanted})`,
      "Check --user and --password, --bearer-token or the method of authentication.",
    )
    : fault(
      `the endpoint requires credentials, and there are none (${shown}${wanted})`,
      "Give them: --user and --password, --bearer-token, --oauth2-token-url or --sigv4-region.",
    );
}

function tooSmall(shown: string): Diagnosis {
  return {
    step: "answer",
    finding: fault(
      `the endpoint refuses even a request without series as too large (${shown})`,
      "Raise the limit of the body in the endpoint or the proxy (nginx: client_max_body_size).",
    ),
  };
}

function busy(answer: Answer): Finding {
  const shown = describeAnswer(answer);
  if (answer.status === 407) return fault(`a proxy requires credentials (${shown})`, "Give them in --proxy.");
  const after = answer.headers.get("retry-after");
  const wait = after === null ? "" : `, and asks to wait ${after.replace(/[^\w :,]/g, "").slice(0, 40)}`;
  return fault(
    `the endpoint has too many requests (${shown}${wait})`,
    "Raise its rate limit, or wait. A longer --flush-period sends fewer requests.",
  );
}

function serverError(status: number, shown: string): Finding {
  const isGateway = status === 502 || status === 503 || status === 504;
  return fault(
    `the endpoint ${isGateway ? "is down or a gateway cannot reach it" : "has an error"} (${shown})`,
    "Look at the logs of the endpoint, or of the gateway before it.",
  );
}

/** Returns the finding of a step about an answer; undefined if the answer shows no fault, so that the step makes its own finding. */
export function findingFor(step: AnswerStep, diagnosis: Diagnosis | undefined): Finding | undefined {
  if (diagnosis === undefined) return undefined;
  if (diagnosis.step === step) return diagnosis.finding;
  const isBefore = answerSteps.indexOf(step) < answerSteps.indexOf(diagnosis.step);
  // An answer came in any case.
  return isBefore && diagnosis.leavesOpen === true && step !== "answer"
    ? skipped(`not known: ${diagnosis.finding.detail}`)
    : undefined;
}

/** Reports whether a receiver of remote write says that it is off. */
export function isSwitchedOff({ words }: Answer | NoAnswer): boolean {
  return receiverOff.test(words);
}

/**
 * TLS: the chain, the host name, the dates and the CA of the endpoint's certificate.
 *
 * @module
 */
import { describeNetworkError } from "../../send/network_error.ts";
import { withoutBrackets } from "../host_name.ts";
import { noProxy, openTunnel, type Socket } from "../proxy_route.ts";
import { builtin } from "../runtime.ts";
import type { CheckContext } from "./check_context.ts";
import { firstHop, within } from "./network_steps.ts";
import { fault, type Finding, ok, type Step, warning } from "./step.ts";

/** A certificate expires soon if this time is left. */
const soonMs = 14 * 86_400_000;

const trust = "To trust it, use --ca-cert-file FILE with its CA.";

/** What a TLS handshake with the endpoint showed. */
interface Handshake {
  readonly protocol: string;
  /** Why the certificate cannot be trusted: a code of OpenSSL; undefined if it can. */
  readonly problem: string | undefined;
  readonly subject: string;
  /** The hosts of the certificate. */
  readonly hosts: string;
  /** The issuer at the end of the chain. */
  readonly ca: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** Makes a handshake, and looks at the certificate. */
export const tlsStep: Step = {
  name: "TLS",
  async run(context) {
    return context.url.protocol === "https:" ? await checkCertificate(context) : ok("not used (http)");
  },
};

async function checkCertificate(context: CheckContext): Promise<Finding> {
  const { url, network: { tls }, options } = context;
  let found: Handshake;
  try {
    found = await within(context, shakeHands(context));
  } catch (error) {
    return handshakeFault(error);
  }
  const now = options.now();
  const dates = `valid until ${new Date(found.validToMs).toISOString().slice(0, 10)}`;
  const by = tls.ca === undefined ? "a CA that this runtime trusts" : "--ca-cert-file";
  if (found.problem === undefined) {
    const detail = `${found.protocol}, certificate of ${found.subject}, issued by ${found.ca}, ${dates}`;
    const left = Math.floor((found.validToMs - now) / 86_400_000);
    if (found.validToMs - now < soonMs) {
      return warning(
        `${detail}: it expires in ${left === 1 ? "1 day" : `${left} days`}`,
        "Renew the endpoint's certificate.",
      );
    }
    const unverified = tls.verify === false
      ? "; certificates are not verified (--no-insecure-skip-tls-verify does)"
      : "";
    return ok(`${detail}, trusted through ${by}${unverified}`);
  }
  const { detail, fix } = describeProblem(found.problem, found, url.hostname);
  return tls.verify === false
    ? warning(`${detail}; it is accepted, because certificates are not verified`, fix)
    : fault(detail, `${fix} --insecure-skip-tls-verify accepts any certificate.`);
}

function describeProblem(
  problem: string,
  { subject, hosts, ca, validFromMs, validToMs }: Handshake,
  host: string,
): { readonly detail: string; readonly fix: string } {
  const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const what = `the certificate of "${subject}"`;
  switch (problem) {
    case "CERT_HAS_EXPIRED":
      return { detail: `${what} expired on ${time(validToMs)}`, fix: "Renew the endpoint's certificate." };
    case "CERT_NOT_YET_VALID":
      return { detail: `${what} is valid only from ${time(validFromMs)}`, fix: "Check this machine's clock." };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        detail: `the certificate is for ${hosts}, and not for ${host}`,
        fix: "Use a host of the certificate in the URL, or replace the certificate.",
      };
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return { detail: `${what} is self-signed`, fix: trust };
  }
  return { detail: `no trusted CA signed ${what} (issued by "${ca}"; ${problem})`, fix: trust };
}

function handshakeFault(error: unknown): Finding {
  const words = describeNetworkError(error).reason.replace("fetch cannot send to this endpoint: ", "");
  return tlsFaultOf(words) ??
    fault(`no secure connection was made: ${words}`, "Check whether this port is the endpoint's port for https.");
}

/** Returns what the words of a runtime about a handshake mean; undefined if they are not known. */
export function tlsFaultOf(words: string): Finding | undefined {
  if (/WRONG_VERSION|wrong.version|InvalidContentType/i.test(words)) {
    return fault(
      "the endpoint does not use TLS on this port",
      "Use its port for https, or a URL that begins with http://.",
    );
  }
  if (/alert.*(?:cert|unknown ca)|ALERT_(?:CERT|BAD_CERT|UNKNOWN_CA)|certificate.required/i.test(words)) {
    return fault(
      "the endpoint requires a client certificate, or another one",
      "Present one with --client-cert-file and --client-key-file.",
    );
  }
  if (/protocol.version|UNSUPPORTED_PROTOCOL/i.test(words)) {
    return fault(`the endpoint does not support this TLS version (${words})`, "Allow another one: --tls-min-version.");
  }
  // The runtime's own fetch may trust other CAs than its TLS sockets do.
  if (/\bCERT_|ALTNAME_INVALID|SELF_SIGNED|UNABLE_TO_|invalid peer certificate/.test(words)) {
    return fault(`this runtime does not trust the endpoint's certificate (${words})`, trust);
  }
  return undefined;
}

/** Reports whether a port that was asked over plain http speaks TLS: such servers answer 400, or break the connection. */
export async function speaksTls(context: CheckContext): Promise<boolean> {
  return await within(context, shakeHands(context)).then(() => true, () => false);
}

/** Resolves with the result of a handshake, even if the certificate is not trusted. */
async function shakeHands(context: CheckContext): Promise<Handshake> {
  const { url, proxy, network: { tls } } = context;
  const { ca, cert, key, minVersion, verify = true } = tls;
  const host = withoutBrackets(url.hostname);
  const isAddress = builtin("node:net").isIP(host) !== 0;
  const options = { ...noProxy, ca, minVersion, rejectUnauthorized: verify };
  let tunnel: Socket | undefined;
  if (proxy !== undefined) {
    tunnel = await openTunnel(proxy, { address: `${url.hostname}:${url.port || 443}`, options });
  }
  const { connect, checkServerIdentity } = builtin("node:tls");
  return await new Promise<Handshake>((resolve, reject) => {
    const socket = connect({
      ...(tunnel === undefined ? firstHop(context) : { socket: tunnel }),
      ...{ host, ca, cert, key, minVersion, rejectUnauthorized: false },
      servername: isAddress ? "" : host,
    });
    socket.on("secureConnect", () => {
      const certificate = socket.getPeerCertificate(true);
      const { authorizationError } = socket;
      const wrongHost = checkServerIdentity(host, certificate);
      const code = authorizationError instanceof Error && "code" in authorizationError
        ? authorizationError.code
        : authorizationError ?? undefined;
      resolve({
        protocol: socket.getProtocol() ?? "TLS",
        problem: code === undefined || code === null ? wrongHost && "ERR_TLS_CERT_ALTNAME_INVALID" : String(code),
        subject: nameOf(certificate.subject),
        hosts: certificate.subjectaltname?.replace(/(?:DNS|IP Address):/g, "") ?? nameOf(certificate.subject),
        ca: nameOf(lastOf(certificate).issuer),
        validFromMs: Date.parse(certificate.valid_from),
        validToMs: Date.parse(certificate.valid_to),
      });
      // With TLS 1.3, a server that requires a client certificate says so after the handshake.
      setTimeout(() => socket.destroy(), 0);
    });
    socket.on("error", reject);
  });
}

type Certificate = ReturnType<InstanceType<ReturnType<typeof builtin<"node:tls">>["TLSSocket"]>["getPeerCertificate"]>;

/** Returns the last certificate of a chain. */
function lastOf(certificate: Certificate): Certificate {
  let last = certificate;
  for (let depth = 0; depth < 10; depth++) {
    const next: unknown = Reflect.get(last, "issuerCertificate");
    if (next === undefined || next === null || next === last || !isCertificate(next)) break;
    last = next;
  }
  return last;
}

function isCertificate(value: unknown): value is Certificate {
  return typeof value === "object" && value !== null && "issuer" in value;
}

/** Returns the common name of a subject, or its organization. */
function nameOf(subject: unknown): string {
  const { CN, O } = Object(subject);
  return String(CN ?? O ?? "an unnamed subject");
}

/**
 * What `check` says of broken endpoints: the fault that it names first, with its step and the exit code.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { withUrl } from "../../../src/cli/check/check.ts";
import { checkExitCode, type CheckReport, formatCheck, formatCheckJson } from "../../../src/cli/check/check_report.ts";
import { runCheck } from "../../../src/cli/check/run_check.ts";
import { readCommandLine } from "../../../src/cli/command_line.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import { type FakePrometheusOptions, startFakePrometheus } from "../../support/fake_prometheus.ts";
import { type HttpProxyOptions, startHttpProxy } from "../../support/http_proxy.ts";
import { closedPort } from "../../support/http_target.ts";
import { mimir, onlyV1, prometheus, thanos, victoriaMetrics } from "../../support/scripted_receiver.ts";
import type { Answer, Behaviour, ReceivedSample } from "../../support/scripted_receiver.ts";

let certificates: Certificates;
let refusedPort: number;
before(async () => {
  certificates = makeCertificates();
  refusedPort = await closedPort();
});
after(() => certificates.remove());

/** Where requests go to, and with which options. */
interface Case {
  readonly what: string;
  readonly server?: FakePrometheusOptions | (() => FakePrometheusOptions);
  readonly flags?: readonly string[] | (() => readonly string[]);
  readonly env?: Readonly<Record<string, string>>;
  /** Replaces the URL of the server. */
  readonly url?: (url: string) => string;
  readonly proxy?: HttpProxyOptions;
  /** The step and the beginning of what it must say. */
  readonly step: string;
  readonly says: RegExp;
  readonly fix?: RegExp;
  readonly exit: 0 | 1 | 2;
  /** @default "fault", and "warning" if the exit code is 0 */
  readonly verdict?: "ok" | "skipped";
}

const always = (status: number, body = "", headers: Record<string, string> = {}): FakePrometheusOptions => ({
  answer: () => ({ status, body, headers }),
});
const page = { "content-type": "text/html; charset=utf-8" };
const hasSamples = ({ samples }: { readonly samples: readonly unknown[] }): boolean => samples.length > 0;
/** Refuses samples, and takes requests without any. */
const refusingSamples = (answer: Answer): FakePrometheusOptions => ({
  answer: (request) => hasSamples(request) ? answer : undefined,
});
const ageMs = ({ time }: ReceivedSample): number => Date.now() - time;
const badBehaviour = (
  bad: (sample: ReceivedSample) => boolean,
  more: Behaviour = prometheus,
): FakePrometheusOptions => ({
  behaviour: { ...more, bad, reason: () => "out of bounds" },
});
const ca = (): string[] => ["--ca-cert-file", certificates.caFile];

const cases: readonly Case[] = [
  {
    what: "a Prometheus whose receiver is off",
    server: always(404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"),
    step: "receiver switched on",
    says: /^the endpoint does not take remote write \(status 404: remote write receiver needs to be enabled/,
    fix: /--web\.enable-remote-write-receiver/,
    exit: 2,
  },
  {
    what: "a wrong path",
    url: (url) => url.replace("/write", "/wrong"),
    step: "path",
    says: /^there is no receiver at this path \(status 404: 404 page not found\)$/,
    fix: /^Use http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write, where a receiver answers\.$/,
    exit: 2,
  },
  {
    what: "a path that is not for POST",
    server: always(405, "Method Not Allowed"),
    step: "path",
    says: /^there is no receiver at this path \(status 405: Method Not Allowed\)$/,
    exit: 2,
  },
  {
    what: "a VictoriaMetrics with a wrong path",
    server: always(400, 'requestURI: /x; unsupported path requested: "/x"'),
    step: "path",
    says: /^there is no receiver at this path \(status 400/,
    exit: 2,
  },
  {
    what: "credentials that are missing",
    server: always(401, "Unauthorized", { "www-authenticate": 'Basic realm="metrics"' }),
    step: "credentials",
    says: /^the endpoint requires credentials, and there are none \(status 401: Unauthorized, and asks for Basic\)$/,
    fix: /--user and --password/,
    exit: 2,
  },
  {
    what: "credentials that are wrong",
    server: always(401, "no: hunter2"),
    flags: ["--user", "ann", "--password", "hunter2"],
    step: "credentials",
    says: /^the endpoint rejects the credentials \(status 401: no: \*{3}\)$/,
    exit: 2,
  },
  {
    what: "credentials without the permission",
    server: always(403, "forbidden"),
    flags: ["--bearer-token", "a-long-token"],
    step: "credentials",
    says: /^the endpoint forbids these requests \(status 403: forbidden\)$/,
    fix: /lack the permission to write/,
    exit: 2,
  },
  {
    what: "a tenant that is missing",
    server: always(401, "no org id"),
    step: "tenant header",
    says: /^the endpoint requires a tenant \(status 401: no org id\)$/,
    fix: /--header X-Scope-OrgID:TENANT/,
    exit: 2,
  },
  {
    what: "413 to each request",
    server: always(413, "<h1>413</h1>", page),
    step: "answer",
    says: /^the endpoint refuses even a request without series as too large \(status 413\)$/,
    exit: 2,
  },
  {
    what: "413 to each request with samples",
    server: { behaviour: { ...prometheus, maxBodyBytes: 60 } },
    step: "present samples",
    says: /^the endpoint refuses a request of some hundred bytes as too large \(status 413: too large\)$/,
    exit: 2,
  },
  {
    what: "a limit of 20 kB",
    server: { behaviour: { ...prometheus, maxBodyBytes: 20_000 } },
    step: "request size",
    says: /^the endpoint refuses requests of 65\.5 kB \(status 413: too large\), and accepts 16\.4 kB/,
    fix: /--max-body-bytes 16384/,
    exit: 0,
  },
  {
    what: "a limit of 5 kB",
    server: { behaviour: { ...prometheus, maxBodyBytes: 5000 } },
    step: "request size",
    says: /^the endpoint refuses requests of 65\.5 kB \(status 413: too large\), and accepts 4\.1 kB/,
    exit: 1,
  },
  {
    what: "429 to each request",
    server: always(429, "ingestion rate limit", { "retry-after": "0" }),
    step: "answer",
    says: /^the endpoint has too many requests \(status 429: ingestion rate limit, and asks to wait 0\)$/,
    exit: 2,
  },
  {
    what: "a limit of the rate of requests that only a check reaches",
    server: {
      answer: ({ samples }) =>
        samples.some((sample) => ageMs(sample) > 100_000)
          ? { status: 429, headers: { "retry-after": "0" } }
          : undefined,
    },
    step: "old samples",
    says: /^not known: the endpoint limits the rate of requests \(status 429\)$/,
    verdict: "skipped",
    exit: 0,
  },
  {
    what: "500 to each request",
    server: always(500, "disk full"),
    step: "answer",
    says: /^the endpoint has an error \(status 500: disk full\)$/,
    exit: 2,
  },
  {
    what: "a gateway whose server is down",
    server: always(502, "<h1>Bad Gateway</h1>", page),
    step: "answer",
    says: /^the endpoint is down or a gateway cannot reach it \(status 502\)$/,
    exit: 2,
  },
  {
    what: "500 to each request with samples",
    server: refusingSamples({ status: 500, body: "disk full" }),
    step: "present samples",
    says: /^the endpoint refuses a sample of the present time \(status 500: disk full\)$/,
    exit: 2,
  },
  {
    what: "a page",
    server: always(200, "<!doctype html><title>Log in</title>", page),
    step: "path",
    says: /^the endpoint answers with a page for people \(status 200, text\/html\), and stores nothing$/,
    exit: 2,
  },
  {
    what: "a redirect to a login page",
    server: always(302, "", { location: "https://login.test/?to=secret" }),
    step: "path",
    says: /^the endpoint redirects to https:\/\/login\.test\/\?\.\.\. \(status 302\), and nothing is stored there$/,
    exit: 2,
  },
  {
    what: "a redirect that the sender follows",
    server: {
      answer: ({ path }) => path === "/old" ? { status: 308, headers: { location: "/api/v1/write" } } : undefined,
    },
    url: (url) => url.replace("/api/v1/write", "/old"),
    step: "path",
    says: /^each request is redirected to http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write$/,
    exit: 0,
  },
  {
    what: "an endpoint that answers 2.0 with a bare 204, with --protocol 2.0",
    server: { behaviour: victoriaMetrics },
    flags: ["--protocol", "2.0"],
    step: "2.0 or 1.0",
    says: /^the endpoint does not show that it knows 2\.0: it answers status 204 without the headers of 2\.0/,
    fix: /--protocol auto/,
    exit: 2,
  },
  {
    what: "an endpoint that reads gzip",
    server: {
      answer: ({ headers }) =>
        headers["content-encoding"] === "gzip" ? { status: 200 } : { status: 400, body: "gzip: invalid header" },
    },
    step: "compression",
    says: /^the endpoint cannot read a body .* snappy \(status 400: gzip: invalid header\); it expects gzip$/,
    exit: 2,
  },
  {
    what: "an endpoint that cannot read a body without series",
    server: { answer: (request) => hasSamples(request) ? undefined : { status: 400, body: "snappy: corrupt input" } },
    step: "compression",
    says: /^snappy, of requests with series$/,
    verdict: "ok",
    exit: 0,
  },
  {
    what: "a proxy that decompresses the body",
    server: { answer: ({ headers }) => headers["content-encoding"] === "snappy" ? { status: 415 } : { status: 204 } },
    step: "compression",
    says: /^the endpoint cannot read a body .* snappy \(status 415\); it expects gzip$/,
    exit: 2,
  },
  {
    what: "a connection that is refused",
    url: () => `http://127.0.0.1:${refusedPort}/api/v1/write`,
    step: "connection",
    says: /^no connection to 127\.0\.0\.1:\d+: the connection was refused$/,
    exit: 2,
  },
  {
    what: "an unknown host",
    url: () => "http://no-such-host.invalid/api/v1/write",
    step: "name resolution",
    says: /^the host no-such-host\.invalid has no address \((?:ENOTFOUND|EAI_AGAIN)\)$/,
    fix: /HTTP_PROXY/,
    exit: 2,
  },
  {
    what: "a proxy that is needed, and is set for http only",
    url: () => "https://no-such-host.invalid/api/v1/write",
    env: { HTTP_PROXY: "http://127.0.0.1:3128" },
    step: "name resolution",
    says: /^the host no-such-host\.invalid has no address/,
    fix: /A proxy is probably needed: HTTP_PROXY is set, but is not for https\. Set HTTPS_PROXY or --proxy\./,
    exit: 2,
  },
  {
    what: "a proxy that requires credentials (http)",
    url: () => "http://no-such-host.invalid/api/v1/write",
    proxy: { credentials: "ann:hunter2" },
    step: "proxy",
    says: /^the proxy 127\.0\.0\.1:\d+ requires a user name and password \(status 407\)$/,
    fix: /http:\/\/user:password@host:3128/,
    exit: 2,
  },
  {
    what: "a proxy that requires credentials (https)",
    url: () => "https://no-such-host.invalid/api/v1/write",
    proxy: { credentials: "ann:hunter2" },
    step: "proxy",
    says: /^the proxy 127\.0\.0\.1:\d+ requires a user name and password \(status 407\)$/,
    exit: 2,
  },
  {
    what: "a proxy that does not run",
    url: () => "http://no-such-host.invalid/api/v1/write",
    flags: () => ["--proxy", `http://127.0.0.1:${refusedPort}`],
    step: "connection",
    says: /^no connection to the proxy 127\.0\.0\.1:\d+: the connection was refused$/,
    exit: 2,
  },
  {
    what: "an expired certificate",
    server: () => ({ tls: certificates.bad.expired }),
    flags: ca,
    step: "TLS",
    says: /^the certificate of "expired" expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
    exit: 2,
  },
  {
    what: "an expired certificate that is accepted, because nothing is verified",
    server: () => ({ tls: certificates.bad.expired }),
    step: "TLS",
    says: /^the certificate of "expired" expired on .*; it is accepted, because certificates are not verified$/,
    exit: 0,
  },
  {
    what: "a self-signed certificate",
    server: () => ({ tls: certificates.bad.selfSigned }),
    flags: ca,
    step: "TLS",
    says: /^the certificate of "self" is self-signed$/,
    exit: 2,
  },
  {
    what: "a certificate for another host",
    server: () => ({ tls: certificates.bad.otherHost }),
    flags: ca,
    step: "TLS",
    says: /^the certificate is for elsewhere\.test, and not for 127\.0\.0\.1$/,
    exit: 2,
  },
  {
    what: "a certificate of an unknown CA",
    server: () => ({ tls: certificates.server }),
    flags: ["--no-insecure-skip-tls-verify"],
    step: "TLS",
    says: /^no trusted CA signed the certificate of "server" \(issued by "ca"; [A-Z_]+\)$/,
    fix: /--ca-cert-file FILE with its CA/,
    exit: 2,
  },
  {
    what: "an endpoint that requires a client certificate",
    server: () => ({ tls: { ...certificates.server, requestCert: true, rejectUnauthorized: true } }),
    flags: ca,
    step: "answer",
    says: /^the endpoint requires a client certificate, or another one$/,
    exit: 2,
  },
  {
    what: "http on a port for https",
    server: () => ({ tls: certificates.server }),
    url: (url) => url.replace("https:", "http:"),
    step: "answer",
    says: /^the endpoint uses TLS on this port, and the URL begins with http:\/\/$/,
    fix: /https:\/\//,
    exit: 2,
  },
  {
    what: "https on a port for http",
    url: (url) => url.replace("http:", "https:"),
    step: "TLS",
    says: /^the endpoint does not use TLS on this port$/,
    exit: 2,
  },
  {
    what: "an endpoint that does not answer",
    server: { answer: () => new Promise(() => {}) },
    flags: ["--timeout", "150ms"],
    step: "answer",
    says: /^the endpoint is too slow: it did not answer within 0\.15 s$/,
    fix: /--timeout/,
    exit: 2,
  },
  {
    what: "an endpoint that is slower than the flush period",
    server: { behaviour: prometheus, answer: () => new Promise((resolve) => setTimeout(resolve, 30, undefined)) },
    flags: ["--flush-period", "10ms", "--read-only"],
    step: "answer",
    says: /^the endpoint is slow \(status 204, after .*\): a flush takes longer than its period of 10ms$/,
    exit: 0,
  },
  {
    what: "an endpoint that takes too long to store",
    server: { answer: (request) => hasSamples(request) ? new Promise(() => {}) : undefined },
    flags: ["--timeout", "700ms"],
    step: "present samples",
    says: /^the endpoint answers requests without series, but samples take longer than 700ms$/,
    exit: 2,
  },
  {
    what: "an endpoint that rolls back, with --no-bisect",
    server: { behaviour: { ...onlyV1, ordered: true, onBad: "rollsBack" } },
    flags: ["--no-bisect"],
    step: "refused samples",
    says:
      /^a request with one refused sample is refused as a whole \(status 400: .*\), and --no-bisect loses the good ones$/,
    exit: 1,
  },
  {
    what: "an endpoint that rolls back, and is sent the good samples again",
    server: { behaviour: { ...onlyV1, ordered: true, onBad: "rollsBack" } },
    step: "refused samples",
    says:
      /^a request with one refused sample is refused as a whole \(status 400: out of order sample\); the sender finds/,
    verdict: "ok",
    exit: 0,
  },
  {
    what: "an endpoint that stores the good part of a request that it refuses, and counts what it received (Mimir)",
    server: { behaviour: mimir },
    step: "refused samples",
    says: /^of a request with a refused sample, the good part is stored \(status 400: out of order sample\)$/,
    verdict: "ok",
    exit: 0,
  },
  {
    what: "an endpoint that refuses with 409 (Thanos)",
    server: { behaviour: { ...thanos, ordered: true } },
    step: "refused samples",
    says: /^of a request with a refused sample, the good part is stored \(status 409: out of order sample\)$/,
    verdict: "ok",
    exit: 0,
  },
  {
    what: "an endpoint that answers 2.0 with a bare 204",
    server: { behaviour: victoriaMetrics },
    step: "2.0 or 1.0",
    says: /^1\.0 \(2\.0: it answers status 204 without the headers of 2\.0, so it stored nothing\)$/,
    verdict: "ok",
    exit: 0,
  },
  {
    what: "an endpoint that acknowledges a request with a refused sample, and drops all of it",
    server: { behaviour: { ...prometheus, onBad: "rollsBack", badStatus: 204, written: "received" } },
    step: "refused samples",
    says: /^the endpoint acknowledges a request with a sample that it refuses, and drops the good sample in it$/,
    exit: 1,
  },
  {
    what: "an endpoint that acknowledges, and stores nothing",
    server: { answer: () => ({ status: 204 }) },
    step: "present samples",
    says: /^the endpoint acknowledges samples, but does not store them: queries do not find them$/,
    exit: 2,
  },
  {
    what: "an endpoint without native histograms, with --trend-as native",
    server: { behaviour: { ...prometheus, noNativeHistograms: true } },
    flags: ["--trend-as", "native"],
    step: "native histograms",
    says:
      /^the endpoint refuses native histograms \(status 500: native histograms are disabled\), and --trend-as native sends them$/,
    fix: /--trend-as histogram or stats/,
    exit: 1,
  },
  {
    what: "an endpoint without native histograms",
    server: { behaviour: { ...prometheus, noNativeHistograms: true } },
    step: "native histograms",
    says: /^the endpoint refuses native histograms \(status 500: native histograms are disabled\)$/,
    exit: 0,
  },
  {
    what: "an endpoint for which samples of the present are out of bounds",
    server: badBehaviour(() => true),
    step: "present samples",
    says: /^the endpoint refuses samples of the present time as too old \(status 400: out of bounds\)$/,
    fix: /some sender has written samples in the future/,
    exit: 2,
  },
  {
    what: "an endpoint that takes no sample that is older than half a minute",
    server: badBehaviour((sample) => ageMs(sample) > 30_000),
    step: "old samples",
    says: /^refused from an age of 1m on \(1m: status 400: out of bounds\), so what waits longer in an outage is lost$/,
    exit: 1,
  },
  {
    what: "an endpoint that takes no sample of the future",
    server: badBehaviour((sample) => ageMs(sample) < -90_000),
    step: "future samples",
    says: /^accepted up to 1m ahead, refused from 2m ahead on \(status 400: out of bounds\)$/,
    exit: 0,
  },
  {
    what: "a clock that is two hours off, where it cannot be seen what is stored",
    server: { behaviour: prometheus, aheadMs: 7_200_000, answersQueries: false },
    step: "clock difference",
    says: /^this machine's clock is (?:2h|119m5\ds) behind the endpoint's: receivers refuse samples/,
    exit: 1,
  },
  {
    what: "a clock that is two hours off, at an endpoint that stores samples nevertheless",
    server: { behaviour: prometheus, aheadMs: 7_200_000 },
    step: "clock difference",
    says: /^this machine's clock is (?:2h|119m5\ds) behind the endpoint's: samples are stored at a wrong time$/,
    exit: 0,
  },
  {
    what: "a clock because of which an endpoint refuses samples of the present",
    server: { ...badBehaviour((sample) => ageMs(sample) > -3_600_000), aheadMs: 7_200_000 },
    step: "clock difference",
    says: /^this machine's clock is (?:2h|119m5\ds) behind the endpoint's: receivers refuse samples/,
    exit: 2,
  },
  {
    what: "an endpoint that refuses series with many labels",
    server: badBehaviour(({ labels }) => labels.length > 25, mimir),
    step: "label limits",
    says:
      /^series with 30 labels are refused \(status 400: out of bounds\), 20 are accepted; values of 4000 bytes are accepted$/,
    exit: 0,
  },
  {
    what: "an endpoint that drops long values silently",
    server: { behaviour: victoriaMetrics, drops: ({ labels }) => labels.some(({ value }) => value.length > 100) },
    step: "label limits",
    says: /values of 200 bytes are refused \(acknowledged, but not stored\)$/,
    exit: 1,
  },
  {
    what: "an endpoint that does not know UTF-8 names",
    server: badBehaviour(({ labels }) => labels.some(({ name }) => name.includes("."))),
    step: "UTF-8 names",
    says: /^the endpoint refuses UTF-8 names \(status 400: out of bounds\)$/,
    exit: 0,
  },
  {
    what: "a token endpoint that does not run",
    flags: () => [
      ...["--oauth2-token-url", `http://127.0.0.1:${refusedPort}/token`, "--oauth2-client-id", "a"],
      ...["--oauth2-client-secret", "hunter2"],
    ],
    step: "answer",
    says: /^the credentials could not be obtained: /,
    fix: /options of the authentication/,
    exit: 2,
  },
  {
    what: "two ways to authenticate",
    flags: ["--user", "ann", "--bearer-token", "hunter2"],
    step: "configuration",
    says: /^Cannot authenticate: the options contain user and bearerToken, expected only one of them$/,
    exit: 2,
  },
  {
    what: "a CA file that does not exist",
    flags: ["--ca-cert-file", "/no/such/file.pem"],
    step: "configuration",
    says: /^Cannot use the CA file "\/no\/such\/file\.pem": it does not exist/,
    exit: 2,
  },
];

/** Small sizes, because eight megabytes of random bytes for each case take time. */
const sizes = ["--max-body-bytes", "65536", "--max-decoded-bytes", "262144"];

async function checkOf(url: string, flags: readonly string[], env: Case["env"] = {}): Promise<CheckReport> {
  const { given } = readCommandLine(["check", url, ...sizes, ...flags]);
  assert.ok(given !== undefined);
  return await runCheck(withUrl(given), { readOnly: flags.includes("--read-only"), env, readBackMs: 100 });
}

const resolved = <T>(value: T | (() => T) | undefined): T | undefined =>
  typeof value === "function" ? (value as () => T)() : value;

for (
  const { what, server, flags, env, url, proxy, step, says, fix, exit, verdict } of cases
) {
  // An answer means the same on each runtime; how connections, TLS and proxies fail does not.
  const isAnswer = typeof server === "object" && url === undefined && proxy === undefined;
  test(`check names ${what}${isAnswer ? " (on one runtime)" : ""}`, async () => {
    const running = await startFakePrometheus({ behaviour: prometheus, ...resolved(server) });
    const proxied = proxy === undefined ? undefined : await startHttpProxy(proxy);
    try {
      const proxyFlags = proxied === undefined ? [] : ["--proxy", proxied.url()];
      const report = await checkOf(url?.(running.url) ?? running.url, [...resolved(flags) ?? [], ...proxyFlags], env);
      const shown = formatCheck(report);
      const found = report.steps.find(({ name }) => name === step);
      assert.match(found?.detail ?? "", says, shown);
      if (fix !== undefined) assert.match(found?.fix ?? "", fix, shown);
      assert.equal(checkExitCode(report), exit, shown);
      // The fault is named once, and first.
      const firstFault = report.steps.find(({ verdict }) => verdict === "fault");
      assert.equal(firstFault?.name, exit === 0 ? undefined : step, shown);
      assert.equal(found?.verdict, verdict ?? (exit === 0 ? "warning" : "fault"), shown);
      const { cause, exitCode } = JSON.parse(formatCheckJson(report));
      assert.deepEqual([cause?.step, exitCode], [exit === 0 ? undefined : step, exit]);
      if (exit > 0) assert.ok(shown.split("\n")[1]?.startsWith(`  ${step}: ${found?.detail}`), shown);
      assert.doesNotMatch(shown + formatCheckJson(report), /hunter2|a-long-token/);
    } finally {
      await Promise.all([running.close(), proxied?.close()]);
    }
  });
}

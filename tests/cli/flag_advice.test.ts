import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdviceKind, adviceOnSeries, withFlagAdvice } from "../../src/cli/flag_advice.ts";
import { formatCommandHelp } from "../../src/cli/help.ts";
import { send } from "../../src/cli/send.ts";
import { MemoryEstimate } from "../../src/k6/output/memory_estimate.ts";
import { CounterSink } from "../../src/k6/sinks/sink.ts";
import { EncodedSeries, SeriesOutput } from "../../src/protocol/encoded_series.ts";
import { RemoteWriteOutput } from "../../mod.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { describeNetworkError } from "../../src/send/network_error.ts";
import { errorOf, permanentErrors } from "../support/fetch_errors.ts";

/** A sentence of each advice. */
const sentences: Readonly<Record<AdviceKind, string>> = {
  proxyCredentials: "They belong into the proxy's URL, in --proxy or the variables: http://user:password@host:3128.",
  proxy: "To use another proxy or none, use --proxy.",
  clientCertificate: "To present one, use --client-cert-file and --client-key-file.",
  otherHost: "The endpoint's certificate is for another host. To trust it, use --ca-cert-file FILE or",
  expired: "The endpoint's certificate has expired. To trust it, use --ca-cert-file FILE or",
  untrusted: "No trusted CA signed the endpoint's certificate. To trust it, use --ca-cert-file FILE or",
  tlsVersion: "To allow another one, use --tls-min-version.",
  noTls: "The endpoint does not use TLS on this port.",
  port: "Use another port.",
  timeout: "To wait longer, use --timeout.",
  https: "The URL must begin with https://.",
  tooOld: "For recorded files, use --shift-to-now.",
  outOfOrder:
    "A recording was perhaps sent before. If another run or machine sends the same series, use --instance auto.",
  nativeHistograms:
    "Use --trend-as histogram, or switch the feature on there (Prometheus: enable-feature=native-histograms).",
  labelLimit: "To drop or shorten labels, use --relabel-config-file.",
  credentials: "The credentials are probably wrong: check --user and --password,",
  path: "The path of the URL is probably wrong,",
  host: "The URL probably names a wrong host or scheme,",
  slow: "A longer --flush-period, more --shards or a larger --max-samples-per-send help.",
};

/** What receivers say about samples. */
const refusals: readonly (readonly [words: string, kind: AdviceKind | undefined])[] = [
  ["out of bounds", "tooOld"],
  ["too old sample", "tooOld"],
  ["the sample has been rejected because its timestamp is too old (err-mimir-sample-timestamp-too-old)", "tooOld"],
  ["out of order sample", "outOfOrder"],
  ["native histograms are disabled", "nativeHistograms"],
  ["the sample has been rejected because its timestamp is out of order (err-mimir-sample-out-of-order)", "outOfOrder"],
  ["duplicate sample for timestamp", "outOfOrder"],
  [
    "a different value for the same timestamp (err-mimir-sample-duplicate-timestamp): new-value-for-timestamp",
    "outOfOrder",
  ],
  ["label_limit exceeded (metric: a, number of labels: 41, limit: 30)", "labelLimit"],
  ["received a series whose number of labels exceeds the limit (actual: 41, limit: 40)", "labelLimit"],
  ["series has too many labels (actual: 41, limit: 30)", "labelLimit"],
  ["label value too long for metric (actual: 3000, limit: 2048)", "labelLimit"],
  ["snappy: corrupt input", undefined],
  ["", undefined],
  // The labels of a series say nothing about the cause.
  ['unknown: m{url="/too-old"}', undefined],
];

/** Other messages of the library. */
const messages: readonly (readonly [message: string, kind: AdviceKind | undefined])[] = [
  ["Gave up 329 samples after 1 attempt: the endpoint did not answer within 30 s.", "timeout"],
  ["Gave up 1 sample after 3 attempts: no connection to the proxy a.test:3128: the connection was refused.", "proxy"],
  ["The endpoint refuses all requests (no connection to the proxy [::1]:1: CERT_HAS_EXPIRED). Nothing", "proxy"],
  ["The endpoint refuses all requests (the proxy a.test refuses to connect to b.test:443 (status 403)). It", "proxy"],
  ["Gave up 1 sample after 3 attempts: the proxy a.test:3128 cannot connect to b.test:443 (status 502).", "proxy"],
  [
    "The endpoint refuses all requests (the proxy a.test rejects the user name and password (status 407)). It",
    "proxyCredentials",
  ],
  [
    "The endpoint refuses all requests (the proxy a.test:1 requires a user name and password (status 407)). It",
    "proxyCredentials",
  ],
  ["Gave up 1 sample after 12 attempts: status 503: busy.", undefined],
  ["Sending fails (status 500: native histograms are disabled); the sender tries again.", "nativeHistograms"],
  // The warning before it has the advice.
  ["Gave up 1 sample after 12 attempts: status 500: native histograms are disabled.", undefined],
  ["Sending fails (status 500: busy); the sender tries again.", undefined],
  ["The endpoint refuses all requests (status 401: no). The sender tries again, less and less often.", "credentials"],
  ["The endpoint refuses all requests (status 403: no). Nothing more is sent.", "credentials"],
  ["The endpoint refuses all requests (status 404: 404 page not found). Nothing more is sent.", "path"],
  ["The endpoint refuses all requests (status 405: no). Nothing more is sent.", "path"],
  [
    "The endpoint refuses all requests (status 302: the endpoint redirects to http://a/). Nothing more is sent.",
    "host",
  ],
  ["The endpoint refuses all requests (status 200: the endpoint answers with a page (text/html)). It", "host"],
  [
    "The endpoint refuses all requests (status 400: the endpoint answers with a page (text/html): 400 Bad Request). It",
    "host",
  ],
  ["The endpoint refuses all requests (status 400: Client sent an HTTP request to an HTTPS server.). It", "https"],
  [
    "The endpoint refuses all requests (status 400: the endpoint answers with a page (text/html): 400 The plain HTTP " +
    "request was sent to HTTPS port). Nothing more is sent.",
    "https",
  ],
  ["The endpoint refuses all requests (status 415: no). Nothing more is sent.", undefined],
  ["The sender is 12 s behind, because a request takes 3 s.", "slow"],
  // What an earlier attempt stored is refused for that alone.
  ["Refused on a retry, perhaps stored before: 1 sample (status 400: out of order sample).", undefined],
];

function assertAdvice(message: string, kind: AdviceKind | undefined): void {
  const advised = withFlagAdvice(message);
  if (kind === undefined) assert.equal(advised, message);
  else {
    assert.ok(advised.startsWith(`${message} `) && advised.includes(sentences[kind]), advised);
    assert.match(advised, /\.$/);
  }
}

test("the status of a refusal, or the words of the receiver, choose the advice, or none", () => {
  for (const [words, kind] of refusals) assertAdvice(`Not delivered: 1 sample (status 400: ${words}).`, kind);
  for (const [message, kind] of messages) assertAdvice(message, kind);
});

test("errors of fetch that no retry can remove get the advice of their cause", () => {
  for (const [kind, ...chains] of permanentErrors) {
    for (const chain of chains) {
      const { reason } = describeNetworkError(errorOf(chain));
      assertAdvice(`The endpoint refuses all requests (${reason}). The sender tries again.`, kind);
    }
  }
});

test("advice names flags that exist", () => {
  const help = formatCommandHelp(send, { width: 80, all: true });
  for (
    const sentence of [
      ...refusals.map(([words]) => `Not delivered: (${words})`),
      ...messages.map(([text]) => text),
    ]
  ) {
    for (const [flag] of withFlagAdvice(sentence).matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag), flag);
  }
});

test("advice that does not help a command is left out", () => {
  for (const [words, kind] of refusals) {
    const message = `Not delivered: 1 sample (status 400: ${words}).`;
    if (kind !== undefined && adviceOnSeries.includes(kind)) {
      assert.equal(withFlagAdvice(message, adviceOnSeries), message);
    }
  }
});

test("a message of the library that names an option names the flag in the command", async () => {
  const messages: string[] = [];
  const onWarning = (message: string): void => {
    // A name that is not valid has a warning of its own.
    if (!message.startsWith("The metric ")) messages.push(withFlagAdvice(message));
  };
  const metric = { name: "c (maxSeries)", type: "counter", contains: "default" } as const;
  const output = new RemoteWriteOutput({ windows: "event", maxSeries: 1, fetch: strictReceiver().fetch, onWarning });
  output.add({ metric, time: 0, value: 1, tags: {} });
  for (const id of ["a", "b"]) output.add({ metric, time: Date.UTC(2026, 0, 1), value: 1, tags: { id } });
  await output.close();
  new MemoryEstimate({ series: () => [], onWarning }).add({
    output: new EncodedSeries(new Array(2e6).fill(new SeriesOutput([]))),
    sink: new CounterSink(),
    hash: 0,
  });
  assert.equal(messages.length, 3, messages.join("\n"));
  const help = formatCommandHelp(send, { width: 80, all: true });
  for (const message of messages) {
    assert.doesNotMatch(message.replace(metric.name, ""), /[a-z][A-Z]/);
    for (const [flag] of message.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag.replace("--no-", "--")), flag);
  }
  assert.match(messages[0] ?? "", /\(--max-time-jump\)/);
  assert.match(messages[1] ?? "", /\(--max-series\)/);
  assert.match(messages[2] ?? "", /with --relabel-config-file or --no-keep-url-tag, or limit .* with --max-series\.$/);
});

// Runs on the newest Node, too: the errors of fetch.
/** The errors of the instrumented fetch. They are real ones where a loopback connection can produce them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { describeHttpError } from "../../../src/k6/measure/http_error_codes.ts";
import { instrumentFetch } from "../../../src/k6/measure/mod.ts";
import { CapturedSamples } from "../../support/captured_samples.ts";
import { closedPort, type HttpTargetOptions, startHttpTarget } from "../../support/http_target.ts";

const isDeno = "Deno" in globalThis;

interface Failure {
  readonly error: unknown;
  readonly output: CapturedSamples;
}

/** Returns the error that a call with an instrumented fetch threw, and its samples. */
async function failing(call: (fetch: typeof globalThis.fetch) => Promise<unknown>): Promise<Failure> {
  const output = new CapturedSamples();
  try {
    await call(instrumentFetch(output));
  } catch (error) {
    return { error, output };
  }
  assert.fail("the call did not throw");
}

async function withTarget(run: (url: string) => Promise<void>, options?: HttpTargetOptions): Promise<void> {
  const target = await startHttpTarget(options);
  try {
    await run(target.url);
  } finally {
    await target.close();
  }
}

/** Asserts that a request failed as in k6: with the status 0, an error and a code. */
function assertFailed({ output }: Failure, code: number, text: string): void {
  const { status, error, error_code, expected_response } = output.tagsOf("http_req_failed");
  assert.deepEqual({ status, error, error_code, expected_response }, {
    status: "0",
    error: text,
    error_code: String(code),
    expected_response: "false",
  });
  assert.deepEqual(output.values("http_req_failed"), [1]);
  assert.deepEqual(output.values("http_reqs"), [1]);
}

const withoutAnswer = ["http_reqs", "http_req_duration", "http_req_waiting", "http_req_failed"];

test("a refused connection: 1212", async () => {
  const port = await closedPort();
  const failure = await failing((fetch) => fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "x" }));
  assertFailed(failure, 1212, "dial: connection refused");
  assert.deepEqual(failure.output.names(), withoutAnswer);
});

test("a reset before the response: 1220", () =>
  withTarget(async (url) =>
    assertFailed(await failing((fetch) => fetch(`${url}/reset`)), 1220, "read: connection reset by peer")
  ));

test("a reset within the body: 1220, or 1200 if the runtime does not report the reason", () =>
  withTarget(async (url) => {
    const [code, text] = isDeno
      ? [1200, "connection lost"] as const
      : [1220, "read: connection reset by peer"] as const;
    const whole = await failing(async (fetch) => await (await fetch(`${url}/cut`)).text());
    assertFailed(whole, code, text);
    assert.deepEqual(whole.output.values("data_received"), []);
    const streamed = await failing(async (fetch) => {
      for await (const _ of (await fetch(`${url}/cut`)).body!);
    });
    assertFailed(streamed, code, text);
    assert.deepEqual(streamed.output.values("data_received"), [100]);
    assert.equal(streamed.output.values("http_req_receiving").length, 1);
  }));

test("a timeout before the response: 1050, with the duration of the timeout", () =>
  withTarget(async (url) => {
    const failure = await failing((fetch) => fetch(`${url}/hang`, { signal: AbortSignal.timeout(30) }));
    assert.equal((failure.error as Error).name, "TimeoutError");
    assertFailed(failure, 1050, "request timeout");
    const [duration] = failure.output.values("http_req_duration");
    assert.ok(duration !== undefined && duration > 0 && duration < 5000, `${duration}`);
    assert.deepEqual(failure.output.values("http_req_waiting"), [duration]);
  }));

test("a timeout within the body: 1050", () =>
  withTarget(async (url) => {
    const call = async (fetch: typeof globalThis.fetch, read: (response: Response) => Promise<unknown>) =>
      await read(await fetch(`${url}/stall`, { signal: AbortSignal.timeout(60) }));
    for (
      const read of [
        (response: Response) => response.json(),
        async (response: Response) => {
          for await (const _ of response.body!);
        },
      ]
    ) {
      const failure = await failing((fetch) => call(fetch, read));
      assert.equal((failure.error as Error).name, "TimeoutError");
      assertFailed(failure, 1050, "request timeout");
    }
  }));

test("an abort: 1000, and the caller receives the error of the wrapped fetch", () =>
  withTarget(async (url) => {
    for (const path of ["/hang", "/stall"]) {
      for (const reason of [undefined, new Error("dns error: mine"), { code: "ECONNREFUSED" }]) {
        const aborted = async (fetch: typeof globalThis.fetch) => {
          const controller = new AbortController();
          const answer = fetch(url + path, { signal: controller.signal });
          if (path === "/stall") await answer;
          queueMicrotask(() => controller.abort(reason));
          await (await answer).text();
        };
        const failure = await failing(aborted);
        const plain = await aborted(globalThis.fetch).catch((error) => error);
        // Within a body, Node 20 throws an AbortError instead of the reason.
        assert.equal(failure.error === reason, plain === reason);
        assert.equal((failure.error as Error).name, plain.name);
        assertFailed(failure, 1000, "request aborted");
      }
    }
  }));

test("the signal of a Request that was aborted before the start: 1000", async () => {
  const request = new Request("http://127.0.0.1:9/", { signal: AbortSignal.abort(new Error("mine")) });
  assertFailed(await failing((fetch) => fetch(request)), 1000, "request aborted");
});

test("a name that does not exist: 1101", async () => {
  const failure = await failing((fetch) => fetch("http://no-such-host.invalid/"));
  assertFailed(failure, 1101, "lookup: no such host");
});

test("https to a server that uses http: 1300", () =>
  withTarget(async (url) => {
    const failure = await failing((fetch) => fetch(`${url.replace("http:", "https:")}/bytes/1`));
    assertFailed(failure, 1300, "tls: failed");
  }));

test("a self-signed certificate: 1310", async () => {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-tls-"));
  try {
    const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1".split(" "),
      ..."-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE".split(" "),
      ...["-keyout", keyFile, "-out", certFile],
    ], { stdio: "ignore" });
    const tls = { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") };
    await withTarget(async (url) => {
      assertFailed(await failing((fetch) => fetch(`${url}/bytes/1`)), 1310, "x509: unknown authority");
    }, { tls });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a body without the compression of its header: 1701", () =>
  withTarget(async (url) => {
    const failure = await failing(async (fetch) => await (await fetch(`${url}/broken-gzip`)).text());
    assertFailed(failure, 1701, "decompression failed");
  }));

test("the caller receives the error itself, and the tags contain nothing of its message", async () => {
  const error = Object.assign(new TypeError("http://user:secret@target:1234/ failed at 10.0.0.1"), { code: 7 });
  const output = new CapturedSamples();
  const fetch = instrumentFetch(output, { fetch: () => Promise.reject(error) });
  assert.equal(await fetch("http://target/").catch((error) => error), error);
  assertFailed({ error, output }, 1000, "TypeError");
});

function caused(cause: unknown): Error {
  return new TypeError("fetch failed", { cause });
}

/** Errors that the runtimes were observed to throw, and errors of their documentation. */
const failures: readonly (readonly [what: string, error: unknown, code: number])[] = [
  ["Node: a timeout of the headers", caused({ name: "HeadersTimeoutError", code: "UND_ERR_HEADERS_TIMEOUT" }), 1050],
  ["Node: a timeout of the connection", caused({ name: "ConnectTimeoutError", code: "UND_ERR_CONNECT_TIMEOUT" }), 1211],
  [
    "Deno: a timeout of the connection",
    caused(new Error("client error (Connect): tcp connect error: Connection timed out (os error 110)")),
    1211,
  ],
  ["Node: the resolver is not available", caused({ code: "EAI_AGAIN", message: "getaddrinfo EAI_AGAIN host" }), 1100],
  [
    "Deno: the resolver is not available",
    caused(
      new Error(
        "client error (Connect): dns error: failed to lookup address information: Temporary failure in name resolution",
      ),
    ),
    1100,
  ],
  ["Node: the certificate of another host", caused({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), 1311],
  [
    "Deno: the certificate of another host",
    caused(new Error('client error (Connect): invalid peer certificate: certificate not valid for name "a"')),
    1311,
  ],
  [
    "Deno: an expired certificate",
    caused(new Error("client error (Connect): invalid peer certificate: Expired")),
    1300,
  ],
  ["Node: an expired certificate", caused({ code: "CERT_HAS_EXPIRED" }), 1300],
  [
    "Node: the server closes the connection",
    caused({ name: "SocketError", message: "other side closed", code: "UND_ERR_SOCKET" }),
    1200,
  ],
  [
    "Deno: the server closes the connection",
    caused(new Error("client error (SendRequest): connection closed before message completed")),
    1200,
  ],
  ["workerd: the server closes the connection", new Error("Network connection lost."), 1200],
  ["Node: no route", caused({ code: "ENETUNREACH", syscall: "connect" }), 1210],
  [
    "Deno: no route",
    caused(new Error("client error (Connect): tcp connect error: Network is unreachable (os error 101)")),
    1210,
  ],
  ["a broken pipe", caused({ code: "EPIPE" }), 1201],
  [
    "Node: all addresses refuse the connection",
    caused(Object.assign(new AggregateError([]), { code: "ECONNREFUSED" })),
    1212,
  ],
  [
    "Deno: the URL in a message is ignored",
    caused(new Error("error sending request for url (http://gzip.example/Connection%20refused): odd")),
    1000,
  ],
  ["a browser, which reports no reason", new TypeError("Failed to fetch"), 1000],
];

for (const [what, error, code] of failures) {
  test(`${what}: ${code}`, () => assert.equal(describeHttpError(error, false).code, code));
}

test("an unknown error has its code or its name as its text, and a thrown value may be anything", () => {
  assert.deepEqual(describeHttpError(caused({ code: "HPE_INVALID_CONSTANT" }), false), {
    code: 1000,
    text: "HPE_INVALID_CONSTANT",
  });
  assert.deepEqual(describeHttpError(new RangeError("x"), false), { code: 1000, text: "RangeError" });
  assert.deepEqual(describeHttpError("oops", false), { code: 1000, text: "string" });
  assert.deepEqual(describeHttpError(undefined, false), { code: 1000, text: "undefined" });
  const loop = new Error("a");
  loop.cause = loop;
  assert.deepEqual(describeHttpError(loop, false), { code: 1000, text: "Error" });
});

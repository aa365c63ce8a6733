import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../src/model/errors.ts";
import { bearerAuthorizer } from "../../src/send/auth/bearer.ts";
import type { RequestHeaders } from "../../src/send/auth/authorizer.ts";
import { createHttpSender, type HttpSenderOptions } from "../../src/send/http_sender.ts";
import { withRetry } from "../../src/send/retry.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { answer, answering, httpOptions, noContent, request, send } from "../support/answering_fetch.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

test("an authorizer sets headers for each attempt and sees what is sent", async () => {
  const { fetch, calls } = answering(noContent());
  let count = 0;
  const seen: string[] = [];
  const clock = new VirtualClock();
  const authorizer = {
    authorize(
      { method, url, headers, body }: { method: string; url: string; headers: RequestHeaders; body: Uint8Array },
    ): void {
      seen.push(`${method} ${url} ${headers.get("content-type")} ${body.length}`);
      headers.set("authorization", `Token ${++count}`);
    },
  };
  const sender = createHttpSender({
    ...httpOptions,
    url: "http://user:hunter2@receiver.test/w?q=1",
    authorizer,
    fetch,
    ...clock,
  });
  const { signal } = new AbortController();
  await sender(request, signal);
  await sender(request, signal);
  assert.deepEqual(calls.map(({ headers }) => headers.get("authorization")), ["Token 1", "Token 2"]);
  assert.equal(seen[0], "POST http://receiver.test/w?q=1 application/x-protobuf 3");
  assert.equal(calls[0]?.url, "http://receiver.test/w?q=1");
});

test("a 401 is tried once more, if there are new credentials", async () => {
  let token = 0;
  const authorizer = {
    authorize: ({ headers }: { headers: RequestHeaders }): void => void headers.set("authorization", `Bearer ${token}`),
    refresh: (): Promise<boolean> => Promise.resolve(++token > 0),
  };
  const renewed = answering(answer(401), noContent());
  assert.equal((await send({ fetch: renewed.fetch, authorizer })).kind, "written");
  assert.deepEqual(renewed.calls.map(({ headers }) => headers.get("authorization")), ["Bearer 0", "Bearer 1"]);

  const refused = answering(answer(401));
  assert.equal((await send({ fetch: refused.fetch, authorizer })).kind, "rejected");
  assert.equal(refused.calls.length, 2);

  const none = answering(answer(401));
  await send({ fetch: none.fetch, authorizer: { ...authorizer, refresh: () => false } });
  assert.equal(none.calls.length, 1);
});

test("an authorizer that fails causes a failed attempt, and one that is configured wrongly a rejection", async () => {
  const failing = { authorize: (): Promise<void> => Promise.reject(new Error("token endpoint: status 503")) };
  const { fetch, calls } = answering(noContent());
  const failed = await send({ fetch, authorizer: failing });
  assert.ok(failed.kind === "failed");
  assert.equal(failed.unknown, false);
  assert.equal(failed.reason, "the credentials could not be obtained: token endpoint: status 503");
  const wrong = {
    authorize: (): void => {
      throw new ConfigurationError("Cannot authorize: the file is empty, expected a token");
    },
  };
  const rejected = await send({ fetch, authorizer: wrong });
  assert.equal(rejected.kind, "rejected");
  assert.equal(calls.length, 0);
});

test("a token that is missing for a moment is asked for again", async () => {
  const tokens: (string | Error)[] = ["", new ConfigurationError("Cannot use the token file: ENOENT"), "token"];
  const authorizer = bearerAuthorizer(() => {
    const token = tokens.shift() ?? "";
    if (typeof token !== "string") throw token;
    return token;
  });
  const { fetch, calls } = answering(noContent());
  const clock = new VirtualClock();
  const once = createHttpSender({ ...httpOptions, fetch, authorizer, ...clock });
  const sent = withRetry(once, {
    ...httpOptions,
    ...clock,
    random: () => 0.5,
    retryOn429: true,
    warnings: new Warnings(() => {}),
  })(
    request,
    new AbortController().signal,
  );
  assert.equal((await clock.settle(sent)).kind, "written");
  assert.equal(calls.length, 1);
});

test("a request that the runtime forbids is not tried again", async () => {
  const forbid = (): never => {
    throw Object.assign(new Error("Requires net access to receiver.test"), { name: "NotCapable" });
  };
  const result = await send({ fetch: answering(forbid).fetch });
  assert.ok(result.kind === "rejected");
  assert.match(result.reason, /does not permit it: Requires net access/);
});

test("a URL or header that cannot be used is a configuration error, without secrets in it", () => {
  const cases: readonly (readonly [Partial<HttpSenderOptions>, RegExp])[] = [
    [{ url: "ftp://user:hunter2@receiver.test/?hunter2" }, /url is ftp:\/\/receiver\.test\/\?\.\.\., expected/],
    [{ url: "receiver hunter2" }, /url is \(not a URL\), expected/],
    [{ headers: { "X-Token": "hunter2\n" + "x" } }, /the header "X-Token"/],
    [{ headers: { "X Token": "hunter2" } }, /the header "X Token"/],
  ];
  for (const [options, message] of cases) {
    assert.throws(
      () => createHttpSender({ ...httpOptions, fetch: answering().fetch, ...new VirtualClock(), ...options }),
      (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, message);
        assert.ok(!error.message.includes("hunter2"));
        return true;
      },
    );
  }
});

test("no secret appears in a result, whatever the receiver or the runtime says", async () => {
  const secrets = ["us3r-name", "p@ss-w0rd", "query-s3cret", "h3ader-secret", "b4sic-password", "4uthorizer-token"];
  const url = `http://us3r-name:${encodeURIComponent("p@ss-w0rd")}@receiver.test/write?token=query-s3cret`;
  const headers = {
    "X-Api-Key": "h3ader-secret",
    "Proxy-Authorization": `Basic ${btoa("someone:b4sic-password")}`,
  };
  const authorizer = {
    authorize: ({ headers }: { headers: RequestHeaders }): void =>
      void headers.set("authorization", "Bearer 4uthorizer-token"),
  };
  const all = [...secrets, url, encodeURIComponent("p@ss-w0rd"), headers["Proxy-Authorization"]].join(" | ");
  const long = "x".repeat(1010) + "4uthorizer-token";
  const throwing = (error: Error) => (): never => {
    throw error;
  };
  const answers: readonly (() => Response)[] = [
    ...[400, 401, 413, 429, 500, 503].map((status) => answer(status, all)),
    answer(400, long),
    answer(302, all, { location: url }),
    answer(307, all, { location: `https://us3r-name:hunter2@other.test/?token=query-s3cret` }),
    throwing(new TypeError(all)),
    throwing(new TypeError("fetch failed", { cause: new Error(`certificate of ${all}`) })),
    throwing(new TypeError("fetch failed", { cause: Object.assign(new Error(all), { code: "ECONNREFUSED" }) })),
    throwing(Object.assign(new Error(all), { name: "NotCapable" })),
  ];
  for (const [index, give] of answers.entries()) {
    const result = await send({ url, headers, authorizer, fetch: answering(give).fetch });
    assert.ok("reason" in result, String(index));
    for (const secret of [...secrets, "4uthoriz", btoa("someone:b4sic-password")]) {
      assert.ok(!result.reason.includes(secret), `answer ${index} shows ${secret}: ${result.reason}`);
    }
  }
  const failing = { authorize: (): never => throwing(new Error(all))() };
  const result = await send({ url, headers, authorizer: failing, fetch: answering(noContent()).fetch });
  assert.ok("reason" in result);
  for (const secret of secrets.slice(0, 5)) assert.ok(!result.reason.includes(secret), result.reason);
});

test("a secret is removed in every form in which a receiver may echo it", async () => {
  const url = "http://receiver.test/w";
  const cases: readonly (readonly [what: string, Partial<HttpSenderOptions>, echo: string, secret: RegExp])[] = [
    ["UTF-8", { url, headers: { authorization: basic("ann:p\u00e4ssw\u00f6rd") } }, "no: p\u00e4ssw\u00f6rd", /ssw/],
    ["URL", { url, headers: { authorization: basic("ann:p@ss/word") } }, "user=ann&pass=p%40ss%2Fword", /ss%2F/],
    ["JSON", { url, headers: { authorization: basic('ann:p"ss\\word') } }, '{"p":"p\\"ss\\\\word"}', /word/],
    ["names", { url: `${url}?sample=hunter2` }, "the sample is out of order", /\*\*\*/],
    ["lower-case URL", { url, headers: { authorization: basic("ann:p@ss/word") } }, "pass=p%40ss%2fword", /word/],
    ["JSON of PHP", { url, headers: { authorization: basic("ann:p@ss/word") } }, '{"p":"p@ss\\/word"}', /word/],
    ["HTML of Go", { url, headers: { authorization: basic(`ann:p"ss'word`) } }, "p&#34;ss&#39;word", /word/],
    ["HTML of others", { url, headers: { authorization: basic(`ann:p"ss'word`) } }, "p&quot;ss'word", /word/],
    ["HTML", { url: `${url}?token=s3cr%2Ft%2Bx&x=1` }, "/w?token=s3cr%2Ft%2Bx&amp;x=1", /s3cr/],
    [
      "lower case",
      { url, headers: { authorization: basic("ann:hunter2").replace("Basic", "basic") } },
      "hunter2",
      /hun/,
    ],
    ["parenthesis", { url: `${url}?key=abc(tail` }, `POST ${url}?key=abc(tail`, /tail/],
    ["cookie", { url, headers: { cookie: "a=1; session=hunter2; b=2" } }, "session hunter2 has ended", /hunter2/],
  ];
  for (const [what, options, echo, secret] of cases) {
    const { fetch } = answering(answer(403, echo));
    const result = await send({ ...options, fetch });
    assert.ok(result.kind === "rejected" && result.reason !== "", what);
    assert.doesNotMatch(result.reason, secret, what);
  }
});

test("a secret that is cut off at the end of a reason does not show its beginning", async () => {
  const secret = "0123456789".repeat(10);
  const { fetch } = answering(answer(403, `${secret} ${"x".repeat(940)} ${secret}${"y".repeat(2000)}`));
  const result = await send({ fetch, headers: { authorization: `Bearer ${secret}` } });
  assert.ok(result.kind === "rejected");
  assert.match(result.reason, /^\*\*\* x+/);
  assert.doesNotMatch(result.reason, /0123/);
});

/** Returns the value of the header Authorization, as in RFC 7617. */
function basic(credentials: string): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../src/model/errors.ts";
import { bearerAuthorizer } from "../../src/send/auth/bearer.ts";
import type { RequestHeaders } from "../../src/send/auth/authorizer.ts";
import { createHttpSender, type HttpSenderOptions } from "../../src/send/http_sender.ts";
import { withRetry } from "../../src/send/retry.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { answer, answering, httpOptions, noContent, request, send } from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

test("an authorizer is called for each attempt with the request, and sets headers", async () => {
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

test("after a 401, the request is sent once more if the credentials can be renewed", async () => {
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

test("an error of the authorizer is a failed attempt, but a ConfigurationError is a rejection", async () => {
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

test("a token function that fails temporarily is called again", async () => {
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

test("a request that the runtime forbids is not retried", async () => {
  const forbid = (): never => {
    throw Object.assign(new Error("Requires net access to receiver.test"), { name: "NotCapable" });
  };
  const outcome = await send({ fetch: answering(forbid).fetch });
  assert.ok(outcome.kind === "rejected");
  assert.match(outcome.reason, /^fetch cannot send to this endpoint: Requires net access/);
});

test("a header that cannot be used is a ConfigurationError without the secret", () => {
  const cases: readonly (readonly [Partial<HttpSenderOptions>, RegExp])[] = [
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

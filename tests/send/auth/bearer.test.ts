import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerAuthorizer } from "../../../src/send/auth/bearer.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

test("a token is sent without the white space around it", async () => {
  const request = requestTo("https://host/write");
  const authorizer = bearerAuthorizer("  abc.DEF-123_~+/== \n");
  await authorizer.authorize(request, unaborted());
  assert.equal(request.headers.get("authorization"), "Bearer abc.DEF-123_~+/==");
  assert.equal(authorizer.refresh, undefined, "a fixed token does not change after a 401");
});

test("a callback is called before each attempt, so a 401 is followed by another attempt", async () => {
  let calls = 0;
  const authorizer = bearerAuthorizer(() => Promise.resolve(`token-${++calls}\n`));
  for (const expected of ["Bearer token-1", "Bearer token-2"]) {
    const request = requestTo("https://host/write");
    await authorizer.authorize(request, unaborted());
    assert.equal(request.headers.get("authorization"), expected);
    assert.equal(await authorizer.refresh?.(new Map()), true);
  }
  assert.equal(calls, 2);
});

test("a callback's error is passed on", async () => {
  const reason = new Error("the file is gone");
  const authorizer = bearerAuthorizer(() => {
    throw reason;
  });
  await assert.rejects(Promise.resolve(authorizer.authorize(requestTo("https://host/"), unaborted())), reason);
});

test("a token that no header can carry is refused without showing it, and a callback is called again", async () => {
  const expected = (name: string) => (error: unknown): boolean => {
    assert.ok(error instanceof Error && error.name === name);
    assert.match(error.message, /^Cannot authenticate: the bearer token /);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
  for (const token of ["", " \n", "secret token", "secret\nX-Evil: 1", "secrét"]) {
    assert.throws(() => bearerAuthorizer(token), expected("ConfigurationError"), JSON.stringify(token));
    const fromCallback = bearerAuthorizer(() => token);
    await assert.rejects(
      Promise.resolve(fromCallback.authorize(requestTo("https://host/"), unaborted())),
      expected("Error"),
      JSON.stringify(token),
    );
  }
});

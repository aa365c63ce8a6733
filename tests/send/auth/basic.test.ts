import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { basicAuthorizer, userInfoOf } from "../../../src/send/auth/basic.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

async function headerOf(user: string, password: string): Promise<string | undefined> {
  const request = requestTo("https://host/write");
  await basicAuthorizer({ user, password }).authorize(request, unaborted());
  return request.headers.get("authorization");
}

test("basic credentials are encoded as in RFC 7617, with UTF-8", async () => {
  assert.equal(await headerOf("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  assert.equal(await headerOf("test", "123£"), "Basic dGVzdDoxMjPCow==");
});

test("the password may be empty, and may have colons and any other characters", async () => {
  for (const [user, password] of [["u", ""], ["", "p"], ["u", "a:b:c"], ["ü", "😀 ż"]] as const) {
    assert.equal(await headerOf(user, password), `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
  }
});

test("a colon in the user and control characters are refused, without showing them", () => {
  for (const [user, password] of [["a:b", "hunter2"], ["user1", "hunter2\n"], ["user1\r", "hunter2"]] as const) {
    assert.throws(() => basicAuthorizer({ user, password }), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.doesNotMatch(error.message, /hunter2|user1|a:b/);
      return true;
    });
  }
});

test("user info is decoded, and the URL stays as it is", () => {
  const cases: readonly (readonly [string, string?, string?])[] = [
    ["https://u:p@host/write?a=b", "u", "p"],
    ["https://u%40x:p%3A%2F%C3%A9@host:9090/", "u@x", "p:/é"],
    ["https://u@host/", "u", ""],
    ["https://:p@host/", "", "p"],
    ["https://host/"],
  ];
  for (const [text, user, password] of cases) {
    const given = new URL(text);
    assert.deepEqual(userInfoOf(given), user === undefined ? undefined : { user, password }, text);
    assert.equal(given.href, text);
  }
});

test("user info with a malformed encoding is refused, without showing it", () => {
  assert.throws(() => userInfoOf(new URL("https://user1:hunter2%E9@host/")), (error: unknown) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /malformed %, expected %25/);
    assert.doesNotMatch(error.message, /hunter2|user1/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { splitCredentials } from "../../../src/send/auth/split_credentials.ts";

test("user info is taken out and decoded, the URL given stays", () => {
  const cases: readonly (readonly [string, string, string | undefined, string | undefined])[] = [
    ["https://u:p@host/write?a=b", "https://host/write?a=b", "u", "p"],
    ["https://u%40x:p%3A%2F%C3%A9@host:9090/", "https://host:9090/", "u@x", "p:/é"],
    ["https://u@host/", "https://host/", "u", undefined],
    ["https://:p@host/", "https://host/", "", "p"],
    ["https://host/", "https://host/", undefined, undefined],
  ];
  for (const [text, bare, user, password] of cases) {
    const given = new URL(text);
    const split = splitCredentials(given);
    assert.deepEqual([split.url.href, split.user, split.password], [bare, user, password], text);
    assert.equal(given.href, text);
  }
});

test("a malformed encoding is refused, without showing it", () => {
  assert.throws(() => splitCredentials(new URL("https://user1:hunter2%E9@host/")), (error: unknown) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /malformed percent encoding/);
    assert.doesNotMatch(error.message, /hunter2|user1/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanText, redactSecrets, redactUrl } from "../../src/send/redact.ts";

test("a URL is shown without user info and query", () => {
  const cases = [
    ["https://user:hunter2@host.test:8443/a/b?token=hunter2#hunter2", "https://host.test:8443/a/b?..."],
    ["http://host.test", "http://host.test/"],
    ["hunter2", "(not a URL)"],
  ] as const;
  for (const [url, shown] of cases) assert.equal(redactUrl(url), shown);
});

test("secrets are replaced as a whole, and URLs in a message are shortened", () => {
  const secrets = ["hunter", "hunter2 and more", "abc", ""];
  assert.equal(redactSecrets("got hunter2 and more, hunter; abc", secrets), "got ***, ***; abc");
  assert.equal(
    redactSecrets('cannot reach "http://me:pw@host.test/x?y=z" (http://host.test/)', []),
    'cannot reach "http://host.test/x?..." (http://host.test/)',
  );
});

test("a cleaned string is on one line and has no characters that control a terminal", () => {
  assert.equal(cleanText(" a\r\n\tb\u0007\u202ec\u2028d "), "a b c d");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanText, formsOf, redactSecrets, redactUrl } from "../../src/send/redact.ts";

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

test("a secret is replaced in the JSON of every common encoder", () => {
  const secret = "/p\u00e4<s&s>=\u2028'w+o\"r\\d\u{1f511}";
  const echoes = [
    ["JavaScript", JSON.stringify(secret)],
    ["Go", '"/p\u00e4\\u003cs\\u0026s\\u003e=\\u2028\'w+o\\"r\\\\d\u{1f511}"'],
    ["Gson", '"/p\u00e4\\u003cs\\u0026s\\u003e\\u003d\\u2028\\u0027w+o\\"r\\\\d\u{1f511}"'],
    ["Python", '"/p\\u00e4<s&s>=\\u2028\'w+o\\"r\\\\d\\ud83d\\udd11"'],
    ["PHP", '"\\/p\\u00e4<s&s>=\\u2028\'w+o\\"r\\\\d\\ud83d\\udd11"'],
    [".NET", '"/p\\u00E4\\u003Cs\\u0026s\\u003E=\\u2028\\u0027w\\u002Bo\\u0022r\\\\d\\uD83D\\uDD11"'],
  ] as const;
  for (const [encoder, echo] of echoes) {
    assert.equal(JSON.parse(echo), secret, encoder);
    assert.equal(redactSecrets(echo, formsOf([secret])), '"***"', encoder);
  }
});

test("a secret with a tab or a line break, which JSON escapes shortly, is replaced", () => {
  for (const secret of ["abcd\tefgh", "hunter\r\n2 b\bf\f"]) {
    assert.equal(redactSecrets(JSON.stringify({ got: secret }), formsOf([secret])), '{"got":"***"}');
  }
});

test("a cleaned string is on one line and has no characters that control a terminal", () => {
  assert.equal(cleanText(" a\r\n\tb\u0007\u202ec\u2028d "), "a b c d");
});

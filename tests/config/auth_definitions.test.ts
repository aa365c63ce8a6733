import assert from "node:assert/strict";
import { test } from "node:test";
import { withAuth } from "../../src/config/auth_definitions.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";

const sigv4 = { region: "eu", accessKeyId: "AKID", secretAccessKey: "s3cr3t" };
const oauth2 = { tokenUrl: "https://id.example/token", clientId: "k6", clientSecret: "s3cr3t" };

test("merged parts of OAuth 2.0 or of AWS's signatures become the option auth", () => {
  for (const options of [{ sigv4 }, { oauth2 }]) assert.equal(typeof withAuth(options).auth, "function");
  for (const options of [{}, { user: "u" }, { sigv4: {} }, { sigv4: { region: undefined }, user: "u" }]) {
    assert.deepEqual(withAuth(options), options);
  }
});

test("a missing part and a second method are errors that name it, without a secret", () => {
  const cases: readonly (readonly [RemoteWriteOutputOptions, RegExp])[] = [
    [{ sigv4: { region: "r" } }, /sigv4\.accessKeyId is missing/],
    [{ sigv4: { service: "aps" } }, /sigv4\.region is missing/],
    [{ sigv4, oauth2 }, /the options contain oauth2 and sigv4, expected only one of them/],
    [{ sigv4, user: "u" }, /the options contain user and sigv4, expected only one of them/],
    [{ oauth2, bearerToken: "s3cr3t" }, /the options contain bearerToken and oauth2, expected only one of them/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => withAuth(options), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cr3t/);
      return true;
    });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuthOptions, resolveAuthorizer } from "../../../src/send/auth/resolve_authorizer.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

const oauth2 = { tokenUrl: "https://id.example/token", clientId: "k6", clientSecret: "s3cr3t" };
const sigv4 = { region: "eu-central-1", accessKeyId: "AKID", secretAccessKey: "s3cr3t" };

async function headerOf(options: AuthOptions, url = "https://host/write"): Promise<string | null | undefined> {
  const authorizer = resolveAuthorizer(options, {
    url: new URL(url),
    fetch: () => Promise.resolve(Response.json({ access_token: "from-endpoint" })),
    now: () => 0,
    sleep: () => new Promise(() => {}),
  });
  if (authorizer === undefined) return undefined;
  const request = requestTo("https://host/write");
  await authorizer.authorize(request, unaborted());
  return request.headers.get("authorization");
}

test("each way is found by its options", async () => {
  assert.equal(await headerOf({}), undefined);
  assert.equal(await headerOf({ user: "u", password: "p" }), "Basic dTpw");
  assert.equal(await headerOf({ user: "u" }), "Basic dTo=");
  assert.equal(await headerOf({}, "https://u:p@host/write"), "Basic dTpw");
  assert.equal(await headerOf({}, "https://u@host/write"), "Basic dTo=");
  assert.equal(await headerOf({ bearerToken: "t" }), "Bearer t");
  assert.equal(await headerOf({ bearerToken: () => "t2" }), "Bearer t2");
  assert.equal(await headerOf({ oauth2 }), "Bearer from-endpoint");
  assert.match(await headerOf({ sigv4 }) ?? "", /^AWS4-HMAC-SHA256 Credential=AKID\/19700101\/eu-central-1\/aps\//);
  const credentials = (): Promise<typeof sigv4> => Promise.resolve(sigv4);
  assert.match(await headerOf({ sigv4: { region: "r", credentials } }) ?? "", /^AWS4-HMAC-SHA256 Credential=AKID/);
});

test("custom headers go together with each way, and one of their own authorization is left alone", async () => {
  assert.equal(await headerOf({ user: "u", password: "p", headers: { "X-Scope-OrgID": "1" } }), "Basic dTpw");
  assert.equal(await headerOf({ headers: { authorization: "Custom s3cr3t" } }), undefined);
});

test("a signature of which nothing is given is none", async () => {
  assert.equal(await headerOf({ sigv4: {} }), undefined);
  assert.equal(await headerOf({ sigv4: { region: undefined, accessKeyId: undefined }, user: "u" }), "Basic dTo=");
  await assert.rejects(headerOf({ sigv4: { region: "r" } }), { message: /sigv4\.accessKeyId is missing/ });
  await assert.rejects(headerOf({ sigv4: { service: "aps" } }), { message: /sigv4\.region is missing/ });
});

test("two ways at once are an error that names both, and no secret", async () => {
  const ways: readonly (readonly [string, AuthOptions, string?])[] = [
    ["the user info of the URL", {}, "https://u:s3cr3t@host/"],
    ["user", { user: "u", password: "s3cr3t" }],
    ["bearerToken", { bearerToken: "s3cr3t" }],
    ["oauth2", { oauth2 }],
    ["sigv4", { sigv4 }],
    ["the header Authorization", { headers: { Authorization: "Custom s3cr3t" } }],
  ];
  for (const [index, [first, options, url]] of ways.entries()) {
    for (const [second, others] of ways.slice(index + 1)) {
      await assert.rejects(headerOf({ ...options, ...others }, url), {
        name: "ConfigurationError",
        message: `Cannot authenticate: the ways given are ${first} and ${second}, expected only one of them`,
      });
    }
  }
});

test("a password needs its user", async () => {
  await assert.rejects(headerOf({ password: "s3cr3t" }), {
    name: "ConfigurationError",
    message: "Cannot authenticate: user is missing, expected one, as there is a password",
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { oauth2, sigV4 } from "../../../src/send/auth/mod.ts";
import { type AuthOptions, resolveAuthorizer } from "../../../src/send/auth/resolve_authorizer.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

const token = oauth2({ tokenUrl: "https://id.example/token", clientId: "k6", clientSecret: "s3cr3t" });
const keys = { region: "eu-central-1", accessKeyId: "AKID", secretAccessKey: "s3cr3t" };

type Options = AuthOptions & { readonly headers?: Readonly<Record<string, string>> };

async function headerOf(options: Options, url = "https://host/write"): Promise<string | null | undefined> {
  const authorizer = resolveAuthorizer({ headers: {}, ...options }, {
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

test("each method is found by its options", async () => {
  assert.equal(await headerOf({}), undefined);
  assert.equal(await headerOf({ user: "u", password: "p" }), "Basic dTpw");
  assert.equal(await headerOf({ user: "u" }), "Basic dTo=");
  assert.equal(await headerOf({}, "https://u:p@host/write"), "Basic dTpw");
  assert.equal(await headerOf({}, "https://u@host/write"), "Basic dTo=");
  assert.equal(await headerOf({ bearerToken: "t" }), "Bearer t");
  assert.equal(await headerOf({ bearerToken: () => "t2" }), "Bearer t2");
  assert.equal(await headerOf({ auth: token }), "Bearer from-endpoint");
  assert.match(
    await headerOf({ auth: sigV4(keys) }) ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKID\/19700101\/eu-central-1\/aps\//,
  );
  const credentials = (): Promise<typeof keys> => Promise.resolve(keys);
  assert.match(
    await headerOf({ auth: sigV4({ region: "r", credentials }) }) ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKID/,
  );
});

test("a caller may bring a method of its own, which sees the endpoint as given", async () => {
  const auth: AuthOptions["auth"] = ({ url }) => ({
    authorize: ({ headers }) => void headers.set("authorization", `Tenant ${url.searchParams.get("tenant")}`),
  });
  assert.equal(await headerOf({ auth }, "https://host/write?tenant=7"), "Tenant 7");
});

test("custom headers can be used together with each method, and their own authorization is left alone", async () => {
  assert.equal(await headerOf({ user: "u", password: "p", headers: { "X-Scope-OrgID": "1" } }), "Basic dTpw");
  assert.equal(await headerOf({ headers: { authorization: "Custom s3cr3t" } }), undefined);
});

test("two methods at once are an error that names both, and no secret", async () => {
  const methods: readonly (readonly [string, Options, string?])[] = [
    ["the user info of the URL", {}, "https://u:s3cr3t@host/"],
    ["user", { user: "u", password: "s3cr3t" }],
    ["bearerToken", { bearerToken: "s3cr3t" }],
    ["auth", { auth: token }],
    ["the header Authorization", { headers: { Authorization: "Custom s3cr3t" } }],
  ];
  for (const [index, [first, options, url]] of methods.entries()) {
    for (const [second, others] of methods.slice(index + 1)) {
      await assert.rejects(headerOf({ ...options, ...others }, url), {
        name: "ConfigurationError",
        message: `Cannot authenticate: the options contain ${first} and ${second}, expected only one of them`,
      });
    }
  }
});

test("a method that is not a function is an error that does not show it", async () => {
  const options: Options = {};
  Object.assign(options, { auth: { secretAccessKey: "s3cr3t" } });
  await assert.rejects(headerOf(options), {
    name: "ConfigurationError",
    message: "Cannot authenticate: auth is of type object, expected a function such as sigV4({ ... })",
  });
});

test("a password needs its user", async () => {
  await assert.rejects(headerOf({ password: "s3cr3t" }), {
    name: "ConfigurationError",
    message: "Cannot authenticate: user is missing, expected a user together with the password",
  });
});

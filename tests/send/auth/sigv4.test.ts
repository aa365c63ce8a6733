import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { sigV4, type SigV4Options } from "../../../src/send/auth/sigv4.ts";
import type { AuthContext, AuthorizableRequest, Authorizer } from "../../../src/send/auth/authorizer.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

/** The example credentials of AWS's documentation and test suite. */
const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const time = Date.UTC(2015, 7, 30, 12, 36, 0, 789);
const url = "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write";

function contextAt(now: () => number): AuthContext {
  const unused = (): never => assert.fail("a signature needs no request and no timer");
  return { url: new URL(url), fetch: unused, sleep: unused, now };
}

interface Scope {
  readonly region: string;
  readonly service: string;
  readonly secretAccessKey: string;
}

/** Computes the signature from AWS's description with node:crypto alone. */
function expectedSignature(
  { method, url, headers, body }: Pick<AuthorizableRequest, "url" | "headers"> & { method: string; body: Uint8Array },
  { region, service, secretAccessKey }: Scope,
): { signedHeaders: string; signature: string } {
  const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
  const hmac = (key: string | Uint8Array, text: string): Uint8Array => createHmac("sha256", key).update(text).digest();
  const { host, pathname, searchParams } = new URL(url);
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  const signed = [...headers, ["host", host]]
    .filter(([name]) => !["authorization", "user-agent"].includes(name ?? ""))
    .sort(([a = ""], [b = ""]) => a < b ? -1 : 1);
  const signedHeaders = signed.map(([name]) => name).join(";");
  const canonical = [
    method,
    pathname.split("/").map(encode).join("/"),
    query,
    ...signed.map(([name, value]) => `${name}:${value?.trim().replace(/ +/g, " ")}`),
    "",
    signedHeaders,
    sha256(body),
  ].join("\n");
  const datetime = headers.get("x-amz-date") ?? "";
  const scope = [datetime.slice(0, 8), region, service, "aws4_request"];
  const key = scope.reduce<string | Uint8Array>(hmac, `AWS4${secretAccessKey}`);
  const toSign = ["AWS4-HMAC-SHA256", datetime, scope.join("/"), sha256(canonical)].join("\n");
  return { signedHeaders, signature: createHmac("sha256", key).update(toSign).digest("hex") };
}

test("the expected signatures of these tests are those of AWS's own test suite", () => {
  const scope = { region: "us-east-1", service: "service", secretAccessKey: keys.secretAccessKey };
  const headers = new Map([["x-amz-date", "20150830T123600Z"]]);
  const of = (method: string, url: string): string =>
    expectedSignature({ method, url, headers, body: new Uint8Array() }, scope).signature;
  assert.equal(
    of("GET", "https://example.amazonaws.com/"),
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  );
  assert.equal(
    of("POST", "https://example.amazonaws.com/"),
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  );
});

async function sign(options: SigV4Options, request = requestTo(url)): Promise<AuthorizableRequest> {
  await sigV4(options)(contextAt(() => time)).authorize(request, unaborted());
  return request;
}

function assertSigned(request: AuthorizableRequest, options: SigV4Options & { region: string }): void {
  const { region, service = "aps", accessKeyId, secretAccessKey = "" } = options;
  const { signedHeaders, signature } = expectedSignature(request, { region, service, secretAccessKey });
  const day = request.headers.get("x-amz-date")?.slice(0, 8);
  assert.equal(
    request.headers.get("authorization"),
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${day}/${region}/${service}/aws4_request, ` +
      `SignedHeaders=${signedHeaders}, Signature=${signature}`,
  );
}

test("the request is signed with its URL, headers and body, for Amazon's Prometheus by default", async () => {
  const options = { region: "eu-central-1", ...keys };
  const request = await sign(options);
  assertSigned(request, options);
  assert.equal(request.headers.get("x-amz-date"), "20150830T123600Z");
  assert.equal(
    request.headers.get("x-amz-content-sha256"),
    createHash("sha256").update(request.body).digest("hex"),
  );
  assert.match(
    request.headers.get("authorization") ?? "",
    /SignedHeaders=content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x-prometheus-remote-write-version,/,
  );
  assert.equal(request.headers.get("user-agent"), "k6-remote-write/0", "what is not signed stays");
});

test("ports, queries, unusual paths, custom headers, other services and session tokens are signed as they are sent", async () => {
  const options = { region: "us-west-2", service: "execute-api", sessionToken: "FQoGZ/+==", ...keys };
  for (
    const odd of [
      "http://127.0.0.1:9090/api/v1/write?b=2&a=x%20y&a=%C3%A9&c=",
      "https://host/a%20b/(c)/d'e*",
      "https://host/%E2%82%AC/~x?k=*",
      "https://host",
    ]
  ) {
    const request = await sign(
      options,
      requestTo(new URL(odd).href, { "X-Scope-OrgID": "a  b", "Retry-Attempt": "2" }),
    );
    assertSigned(request, options);
    assert.equal(request.headers.get("x-amz-security-token"), "FQoGZ/+==");
  }
});

test("a second attempt with the same headers is signed again, at its own time", async () => {
  let now = time;
  const options = { region: "eu-central-1", ...keys };
  const authorizer = sigV4(options)(contextAt(() => now));
  const request = requestTo(url, { "x-amz-security-token": "stale" });
  await authorizer.authorize(request, unaborted());
  const first = request.headers.get("authorization");
  now += 86_400_000;
  await authorizer.authorize(request, unaborted());
  assert.equal(request.headers.get("x-amz-date"), "20150831T123600Z");
  assert.equal(request.headers.get("x-amz-security-token"), undefined);
  assert.notEqual(request.headers.get("authorization"), first);
  assertSigned(request, options);
  assert.equal(authorizer.refresh, undefined, "fixed credentials do not change after a 401");
});

/** Signs a request and returns the access key that was used. */
async function keyOf(authorizer: Authorizer): Promise<string | undefined> {
  const request = requestTo(url);
  await authorizer.authorize(request, unaborted());
  return /Credential=(\w+)/.exec(request.headers.get("authorization") ?? "")?.[1];
}

test("a callback is called before each attempt, or five minutes before its credentials expire", async () => {
  let now = time;
  let calls = 0;
  let lifetimeMs = 0;
  const authorizer = sigV4({
    region: "eu-central-1",
    credentials: () =>
      Promise.resolve({
        accessKeyId: `KEY${++calls}`,
        secretAccessKey: "secret",
        sessionToken: "session",
        ...(lifetimeMs === 0 ? {} : { expiration: new Date(now + lifetimeMs) }),
      }),
  })(contextAt(() => now));
  assert.deepEqual([await keyOf(authorizer), await keyOf(authorizer)], ["KEY1", "KEY2"]);
  lifetimeMs = 3_600_000;
  assert.equal(await keyOf(authorizer), "KEY3");
  now += 3_300_000 - 1;
  assert.equal(await keyOf(authorizer), "KEY3");
  now += 1;
  assert.equal(await keyOf(authorizer), "KEY4");
  const refused = new Map([["authorization", "AWS4-HMAC-SHA256 Credential=KEY4/20150830/r/aps/aws4_request, ..."]]);
  assert.equal(await authorizer.refresh?.(refused), true);
  assert.equal(await keyOf(authorizer), "KEY5");
  assert.equal(await authorizer.refresh?.(refused), true);
  assert.equal(await keyOf(authorizer), "KEY5");
});

test("an option that is missing or given twice is named, without a secret", () => {
  const credentials = (): Promise<typeof keys> => Promise.resolve(keys);
  const refused: readonly (readonly [SigV4Options, RegExp])[] = [
    [{ ...keys }, /sigv4\.region is missing, expected region, accessKeyId and secretAccessKey/],
    [{ ...keys, region: "" }, /sigv4\.region is missing/],
    [{ region: "r", secretAccessKey: keys.secretAccessKey }, /sigv4\.accessKeyId is missing/],
    [{ region: "r", accessKeyId: "AKIDEXAMPLE" }, /sigv4\.secretAccessKey is missing/],
    [{ credentials }, /sigv4\.region is missing/],
    [{ region: "r", credentials, ...keys }, /sigv4\.accessKeyId is given together with sigv4\.credentials/],
    [
      { region: "r", credentials, sessionToken: "tok3n" },
      /sigv4\.sessionToken is given together with sigv4\.credentials/,
    ],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => sigV4(options), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /wJalr|AKID|tok3n/);
      return true;
    });
  }
});

test("incomplete credentials of a callback are reported, and its own error is passed on", async () => {
  const authorizerOf = (credentials: NonNullable<SigV4Options["credentials"]>): Authorizer =>
    sigV4({ region: "r", credentials })(contextAt(() => time));
  await assert.rejects(keyOf(authorizerOf(() => Promise.resolve({ accessKeyId: "AKID", secretAccessKey: "" }))), {
    // The next attempt asks again.
    name: "Error",
    message: /the result of sigv4\.credentials: secretAccessKey is missing/,
  });
  const error = new Error("no metadata service");
  await assert.rejects(keyOf(authorizerOf(() => Promise.reject(error))), error);
});

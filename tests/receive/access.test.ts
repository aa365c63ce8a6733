import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { createReceiver, type ReceiverOptions } from "../../src/receive/mod.ts";
import { postV1 } from "../support/requests.ts";

const series = {
  timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: 1n }] }],
};

/** Returns the status of a request with these headers. */
async function statusOf(
  options: Partial<ReceiverOptions>,
  { authorization, url, method }: { authorization?: string; url?: string; method?: string } = {},
): Promise<Response> {
  const receive = createReceiver({ onWrite: () => {}, ...options });
  return await receive(postV1(series, { headers: { Authorization: authorization }, url, method }));
}

const basic = (text: string): string => Buffer.from(text, "utf8").toString("base64");

test("a receiver with a token or a user answers 401 to every request without them", async () => {
  const token = { token: "s3cret" };
  const user = { user: "ünn", password: "p:w" };
  const both = { ...token, ...user };
  const cases: readonly [options: Partial<ReceiverOptions>, authorization: string | undefined, status: number][] = [
    [{}, undefined, 204],
    [{}, "Bearer anything", 204],
    [token, "Bearer s3cret", 204],
    [token, "bearer s3cret", 204],
    [token, undefined, 401],
    [token, "Bearer s3cre", 401],
    [token, "Bearer s3cretx", 401],
    [token, "Bearer S3cret", 401],
    [token, "s3cret", 401],
    [token, "Basic s3cret", 401],
    [token, `Basic ${basic(":s3cret")}`, 401],
    [user, `Basic ${basic("ünn:p:w")}`, 204],
    [user, `BASIC ${basic("ünn:p:w")}`, 204],
    [user, `Basic ${basic("ünn:p")}`, 401],
    [user, `Basic ${basic("ann:p:w")}`, 401],
    [user, "Bearer p:w", 401],
    [both, "Bearer s3cret", 204],
    [both, `Basic ${basic("ünn:p:w")}`, 204],
    [both, undefined, 401],
  ];
  for (const [options, authorization, status] of cases) {
    const response = await statusOf(options, { authorization });
    assert.equal(response.status, status, `${JSON.stringify(options)} ${authorization}`);
  }
  const response = await statusOf(both);
  assert.equal(response.headers.get("WWW-Authenticate"), 'Bearer, Basic realm="remote write", charset="UTF-8"');
  assert.equal(await response.text(), "Cannot accept the request: the credentials are missing or wrong\n");
});

test("a preflight needs no credentials, because a browser sends none; nothing else goes without them", async () => {
  const options = { token: "t", cors: true };
  assert.equal((await statusOf(options, { method: "OPTIONS" })).status, 204);
  assert.equal((await statusOf(options, { method: "GET" })).status, 401);
  // Without cors, there are no preflights.
  assert.equal((await statusOf({ token: "t" }, { method: "OPTIONS" })).status, 405);
});

test("with allowHosts, a request for another host is refused, whatever its port and path are", async () => {
  const options = { allowHosts: ["Localhost", "127.0.0.1", "[::1]"] };
  const cases: readonly [url: string, status: number][] = [
    ["http://localhost:9090/api/v1/write", 204],
    ["http://LOCALHOST/api/v1/write", 204],
    ["http://127.0.0.1:80/", 204],
    ["http://[::1]:9090/", 204],
    ["http://evil.test:9090/api/v1/write", 403],
    ["http://localhost.evil.test/", 403],
    ["http://127.0.0.1.evil.test/", 403],
    ["http://evil.test//localhost/", 403],
  ];
  for (const [url, status] of cases) assert.equal((await statusOf(options, { url })).status, status, url);
  const response = await statusOf(options, { url: "http://evil.test/" });
  assert.equal(
    await response.text(),
    'Cannot accept the request: the host is "evil.test", expected localhost or 127.0.0.1 or [::1]\n',
  );
  // Not even a preflight, so that the page learns nothing.
  assert.equal(
    (await statusOf({ ...options, cors: true }, { url: "http://evil.test/", method: "OPTIONS" })).status,
    403,
  );
});

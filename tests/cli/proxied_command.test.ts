// Runs on the newest Node, too: the variables of a proxy, which its own fetch can obey.
/**
 * The command behind a proxy. The endpoints have names that only the proxy finds.
 */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { after, before, test } from "node:test";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { type CliResult, point, runCli, usageErrorOf } from "../support/cli.ts";
import { withHttpProxy } from "../support/http_proxy.ts";
import { closedPort } from "../support/http_target.ts";
import { startReceiver, withReceiver } from "../support/receiver_server.ts";
import { refusing } from "../support/scripted_receiver.ts";

let certificates: Certificates;

before(() => {
  certificates = makeCertificates();
});
after(() => certificates.remove());

/** The certificate `bad.otherHost` is for this name. */
const host = "elsewhere.test";

function replay(url: string, args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const fixed = ["-", "--replay", "--protocol", "1.0", "--retry-deadline", "0", "--url", url];
  // Deno itself would ask for a newer version, through the proxy.
  return runCli([...fixed, ...args], { input: point(1), env: { ...env, DENO_NO_UPDATE_CHECK: "1" } });
}

const named = ({ url }: { readonly url: string }): string => url.replace("127.0.0.1", host);

test("HTTP_PROXY and HTTPS_PROXY lead to the endpoint, with their credentials, with and without verification", () =>
  withHttpProxy({ credentials: "ann:hunter2" }, (proxy) =>
    withReceiver((plain) =>
      withReceiver(async (secure) => {
        const variable = proxy.url("ann:hunter2");
        const ca = ["--ca-cert-file", certificates.caFile];
        const client = [
          "--client-cert-file",
          certificates.clientCertFile,
          "--client-key-file",
          certificates.clientKeyFile,
        ];
        const runs: readonly (readonly [string, string[], Record<string, string>])[] = [
          [named(plain), [], { HTTP_PROXY: variable }],
          [named(secure), [...ca, ...client], { https_proxy: variable }],
          [named(secure), client, { HTTPS_PROXY: variable, HTTP_PROXY: "http://127.0.0.1:1" }],
          [named(secure), [...ca, ...client, "--proxy", variable], {
            HTTPS_PROXY: "http://127.0.0.1:1",
            NO_PROXY: "*",
          }],
          [named(secure), [...ca, ...client], { K6_PROMETHEUS_RW_PROXY: variable, HTTPS_PROXY: "socks5://a:b@c" }],
        ];
        const results = await Promise.all(runs.map(([url, args, env]) => replay(url, args, env)));
        for (const { code, stderr } of results) {
          assert.equal(code, 0, stderr);
          assert.doesNotMatch(stderr, /hunter2/);
        }
        const requests = [...new Set(proxy.requests)].toSorted();
        assert.deepEqual(requests, [`CONNECT ${host}:${secure.port}`, `POST ${named(plain)}`]);
        assert.equal(secure.samples.length, 4);
        assert.equal(plain.samples.length, 1);
      }, { tls: { ...certificates.bad.otherHost, requestCert: true, rejectUnauthorized: true } })
    )));

test("NO_PROXY, loopback endpoints and --proxy none need no proxy", () =>
  withReceiver(async ({ url, samples }) => {
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const env = { HTTP_PROXY: dead, http_proxy: dead, HTTPS_PROXY: dead, ALL_PROXY: dead, NODE_USE_ENV_PROXY: "1" };
    // This address leads to the receiver, too, but is none of loopback.
    const unspecified = url.replace("127.0.0.1", "0.0.0.0");
    const direct: readonly (readonly [string, string[], Record<string, string>])[] = [
      [url, [], env],
      [unspecified, ["--proxy", "none"], env],
      [unspecified, [], { ...env, NO_PROXY: "other.test,0.0.0.0/8" }],
    ];
    const results = await Promise.all(direct.map(([to, args, variables]) => replay(to, args, variables)));
    for (const { code, stderr } of results) assert.equal(code, 0, stderr);
    assert.equal(samples.length, 3);
    const { code, stderr } = await replay(unspecified, [], env);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /no connection to the proxy /);
  }));

test("a proxy that rejects the credentials, or cannot be reached, is named with the flag that helps, and asked once (on one runtime)", () =>
  withHttpProxy({ credentials: "ann:hunter2" }, async (proxy) => {
    for (const url of [`http://${host}/w`, `https://${host}/w`]) {
      const { code, stderr } = await replay(url, ["--retry-deadline", "1m"], {
        HTTP_PROXY: proxy.url("ann:hunter3"),
        HTTPS_PROXY: proxy.url("ann:hunter3"),
      });
      assert.equal(code, 1, stderr);
      const reason = `the proxy ${proxy.address} rejects the user name and password (status 407)`;
      assert.ok(stderr.includes(`warn: The endpoint refuses all requests (${reason}). Nothing more is sent. `), stderr);
      assert.equal(stderr.split("http://user:password@host:3128").length, 2, stderr);
      assert.doesNotMatch(stderr, /hunter/);
    }
    assert.equal(proxy.requests.length, 2);
    const dead = `127.0.0.1:${await closedPort()}`;
    const { code, stderr } = await replay(`https://${host}/w`, ["--proxy", `http://ann:hunter2@${dead}`]);
    assert.equal(code, 1, stderr);
    assert.ok(
      stderr.includes(`no connection to the proxy ${dead}: the connection was refused. To use another`),
      stderr,
    );
    assert.doesNotMatch(stderr, /hunter/);
  }));

test("requests for OAuth2 tokens go through the proxy, too (on one runtime)", () =>
  withHttpProxy({}, (proxy) =>
    withReceiver(async (receiver) => {
      const tokens = createServer(certificates.bad.otherHost, (request, response) => {
        request.resume().on("end", () => response.end(JSON.stringify({ access_token: "secret-token" })));
      });
      await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
      const address = tokens.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      try {
        const tokenUrl = `https://${host}:${port}/token`;
        const flags = ["--oauth2-token-url", tokenUrl, "--oauth2-client-id", "a", "--oauth2-client-secret", "hunter2"];
        const args = [...flags, "--ca-cert-file", certificates.caFile, "--proxy", proxy.url()];
        const { code, stderr } = await replay(named(receiver), args);
        assert.equal(code, 0, stderr);
        assert.deepEqual(proxy.requests.slice(0, 2), [`CONNECT ${host}:${port}`, `POST ${named(receiver)}`]);
        assert.equal(receiver.requests[0]?.headers.get("authorization"), "Bearer secret-token");
      } finally {
        tokens.closeAllConnections();
        await new Promise((resolve) => tokens.close(resolve));
      }
    })));

test("a proxy that cannot be used is a usage error that does not show its password", async () => {
  const url = ["--replay", "--url", "https://metrics.test/w"];
  for (const proxy of ["socks5://ann:hunter2@p:1080", "http://ann:hunter2@p:99999", "http://ann:hunter2@"]) {
    const error = await usageErrorOf([...url, "--proxy", proxy]);
    assert.match(error, /^Cannot read --proxy: it is not the URL of an HTTP proxy such as http:\/\/host:3128; /);
    assert.doesNotMatch(error, /hunter2/);
  }
  const { code, stderr } = await runCli(url, { input: "", env: { https_proxy: "socks5://ann:hunter2@p:1080" } });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^error: Cannot read https_proxy: /);
  assert.doesNotMatch(stderr, /hunter2/);
});

test("the credentials of a proxy are not shown if an answer repeats them (on one runtime)", () =>
  withHttpProxy({}, async (proxy) => {
    const words = `no: ${btoa("ann:p@ss hunter2")} p%40ss%20hunter2 p@ss hunter2`;
    const receiver = await startReceiver({ script: refusing(400, words) });
    try {
      const { code, stderr } = await replay(named(receiver), ["--proxy", proxy.url("ann:p%40ss%20hunter2")]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /status 400: no: \*{3} \*{3} \*{3}/);
      assert.doesNotMatch(stderr, /hunter2/);
    } finally {
      await receiver.close();
    }
  }));

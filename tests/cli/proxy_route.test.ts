// Runs on the newest Node, too: TLS and CONNECT through a proxy.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { after, before, test } from "node:test";
import { createTlsFetch, type TlsOptions } from "../../src/cli/tls_fetch.ts";
import { describeNetworkError, type NetworkError } from "../../src/send/network_error.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { withHttpProxy } from "../support/http_proxy.ts";
import { closedPort } from "../support/http_target.ts";

let certificates: Certificates;

before(() => {
  certificates = makeCertificates();
});
after(() => certificates.remove());

/** A name that only the proxies of these tests find. The certificate `bad.otherHost` is for it. */
const host = "elsewhere.test";

interface Endpoint {
  readonly port: number;
  /** The method, the path, the header Host, the body and the headers for proxies of each request. */
  readonly requests: readonly string[];
  connections(): number;
}

/** Calls a function with an endpoint, which speaks https if it has a certificate. */
async function withEndpoint(tls: object | undefined, use: (endpoint: Endpoint) => Promise<void>): Promise<void> {
  const requests: string[] = [];
  let connections = 0;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    request.on("data", (chunk) => body += chunk).on("end", () => {
      const forProxy = Object.keys(request.headers).filter((name) => name.startsWith("proxy-"));
      requests.push([request.method, request.url, request.headers.host, body, ...forProxy].join(" "));
      response.end("stored");
    });
  };
  const server = tls === undefined ? createHttpServer(serve) : createHttpsServer(tls, serve);
  server.on(tls === undefined ? "connection" : "secureConnection", () => connections++);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    await use({ port, requests, connections: () => connections });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Returns a fetch through a proxy. */
function fetchThrough(proxyUrl: string, tls: TlsOptions = {}): typeof fetch {
  const proxy = new URL(proxyUrl);
  return createTlsFetch(tls, () => proxy);
}

const post = { method: "POST", headers: { "x-a": "1" }, body: "samples" } as const;

async function describe(response: Promise<Response>): Promise<string> {
  const { status, body } = await response;
  return `${status} ${await new Response(body).text()}`;
}

/** Returns what the error of a request means. */
async function errorOf(request: Promise<Response>): Promise<NetworkError> {
  const error = await request.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof TypeError, String(error));
  assert.doesNotMatch(`${error.message} ${error.cause}`, /hunter2/);
  return describeNetworkError(error);
}

const read = (path: string): string => readFileSync(path, "utf8");

test("http goes through a proxy with its absolute URL, and only the proxy gets the proxy's credentials", () =>
  withHttpProxy(
    { credentials: "ann:p@ss:w\u00f6rd" },
    (proxy) =>
      withEndpoint(undefined, async ({ port, requests }) => {
        const fetch = fetchThrough(proxy.url("ann:p%40ss%3Aw%C3%B6rd"));
        const url = `http://${host}:${port}`;
        for (const path of ["/w?a=1", "/v"]) {
          assert.equal(await describe(fetch(`${url}${path}#part`, post)), "200 stored");
        }
        assert.deepEqual(proxy.requests, [`POST ${url}/w?a=1`, `POST ${url}/v`]);
        assert.deepEqual(requests, [`POST /w?a=1 ${host}:${port} samples`, `POST /v ${host}:${port} samples`]);
      }),
  ));

test("https goes through a tunnel, which later requests use again", () =>
  withHttpProxy(
    { credentials: "ann:hunter2" },
    (proxy) =>
      withEndpoint(certificates.bad.otherHost, async ({ port, requests, connections }) => {
        const fetch = fetchThrough(proxy.url("ann:hunter2"), { ca: read(certificates.caFile) });
        for (const path of ["/w?a=1", "/v"]) {
          assert.equal(await describe(fetch(`https://${host}:${port}${path}`, post)), "200 stored");
        }
        assert.deepEqual(proxy.requests, [`CONNECT ${host}:${port}`]);
        assert.match(proxy.heads[0] ?? "", new RegExp(`\r\nhost: ${host}:${port}\r\n`, "i"));
        assert.deepEqual(requests, [`POST /w?a=1 ${host}:${port} samples`, `POST /v ${host}:${port} samples`]);
        assert.equal(connections(), 1);
      }),
  ));

test("within a tunnel, certificates are verified, presented or skipped as without one", () =>
  withHttpProxy({}, async (proxy) => {
    const [ca, other] = [read(certificates.caFile), read(certificates.otherCaFile)];
    const client = { cert: read(certificates.clientCertFile), key: read(certificates.clientKeyFile) };
    await withEndpoint({ ...certificates.server, requestCert: true, rejectUnauthorized: true }, async ({ port }) => {
      const url = `https://127.0.0.1:${port}/`;
      const through = (tls: TlsOptions): Promise<Response> => fetchThrough(proxy.url(), tls)(url, post);
      assert.equal(await describe(through({ ca, ...client })), "200 stored");
      assert.equal(await describe(through({ verify: false, ...client })), "200 stored");
      await assert.rejects(through({ ca }));
      for (const tls of [client, { ca: other, ...client }]) {
        const { reason, isPermanent } = await errorOf(through(tls));
        assert.match(reason, /^fetch cannot send to this endpoint: .*(?:SELF_SIGNED|UNABLE_TO)/);
        assert.ok(isPermanent);
      }
    });
    for (
      const [kind, code] of [["expired", "EXPIRED"], ["otherHost", "ALTNAME"], ["selfSigned", "SELF_SIGNED"]] as const
    ) {
      await withEndpoint(certificates.bad[kind], async ({ port, requests }) => {
        const url = `https://127.0.0.1:${port}/`;
        const { reason } = await errorOf(fetchThrough(proxy.url(), { ca })(url, post));
        assert.match(reason, new RegExp(code));
        assert.deepEqual(requests, []);
        assert.equal(await describe(fetchThrough(proxy.url(), { verify: false })(url, post)), "200 stored");
      });
    }
  }));

test("an https proxy carries both protocols, and its certificate is verified", () =>
  withHttpProxy({ tls: certificates.server, credentials: "ann:hunter2" }, async (proxy) => {
    const ca = read(certificates.caFile);
    await withEndpoint(undefined, async ({ port }) => {
      const url = `http://${host}:${port}/`;
      assert.equal(await describe(fetchThrough(proxy.url("ann:hunter2"), { ca })(url, post)), "200 stored");
      const { reason, isPermanent } = await errorOf(fetchThrough(proxy.url("ann:hunter2"))(url, post));
      assert.ok(reason.startsWith(`no connection to the proxy ${proxy.address}: `), reason);
      assert.match(reason, /UNABLE_TO|SELF_SIGNED/);
      assert.ok(isPermanent);
    });
    await withEndpoint(certificates.bad.otherHost, async ({ port }) => {
      const url = `https://${host}:${port}/`;
      assert.equal(await describe(fetchThrough(proxy.url("ann:hunter2"), { ca })(url, post)), "200 stored");
      const { reason } = await errorOf(fetchThrough(proxy.url("ann:hunter2"))(url, post));
      assert.ok(reason.startsWith(`no connection to the proxy ${proxy.address}: `), reason);
    });
  }));

test("a tunnel leads to an IPv6 address", () =>
  withHttpProxy({}, (proxy) =>
    withEndpoint(certificates.server, async ({ port }) => {
      const fetch = fetchThrough(proxy.url(), { verify: false });
      assert.equal(await describe(fetch(`https://[::1]:${port}/`, post)), "200 stored");
      assert.deepEqual(proxy.requests, [`CONNECT [::1]:${port}`]);
    })));

test("a proxy may have an IPv6 address", async (context) => {
  let isAvailable = true;
  await withHttpProxy({ host: "::1" }, (proxy) =>
    withEndpoint(certificates.bad.otherHost, async ({ port }) => {
      const fetch = fetchThrough(proxy.url(), { ca: read(certificates.caFile) });
      assert.equal(await describe(fetch(`https://${host}:${port}/`, post)), "200 stored");
    })).catch((error) => {
      if (!/EADDRNOTAVAIL|EAFNOSUPPORT|not available/.test(String(error))) throw error;
      isAvailable = false;
    });
  if (!isAvailable) context.skip("this machine has no IPv6");
});

/** What the error says after the proxy's address, for the status of the proxy. */
const refusals:
  readonly (readonly [status: number, userInfo: string | undefined, reason: string, isPermanent: boolean])[] = [
    [407, "ann:hunter2", "rejects the user name and password (status 407)", true],
    [407, undefined, "requires a user name and password (status 407)", true],
    [401, "ann:hunter2", "rejects the user name and password (status 401)", true],
    [403, undefined, `refuses to connect to ${host}:444 (status 403)`, true],
    [302, undefined, `refuses to connect to ${host}:444 (status 302)`, true],
    [429, undefined, `cannot connect to ${host}:444 (status 429)`, false],
    [502, undefined, `cannot connect to ${host}:444 (status 502)`, false],
  ];
for (const [status, userInfo, reason, isPermanent] of refusals) {
  test(`a proxy that answers ${status} to CONNECT is named without its credentials (${reason})`, () =>
    withHttpProxy({ status }, async (proxy) => {
      const error = await errorOf(fetchThrough(proxy.url(userInfo))(`https://${host}:444/`, post));
      assert.deepEqual(error, { reason: `the proxy ${proxy.address} ${reason}`, isPermanent, unreached: true });
      if (status !== 407) return;
      assert.deepEqual(await errorOf(fetchThrough(proxy.url(userInfo))(`http://${host}:444/`, post)), error);
    }));
}

test("other statuses over plain http are passed on: the endpoint may have answered them", () =>
  withHttpProxy({ status: 403 }, async (proxy) => {
    assert.equal(await describe(fetchThrough(proxy.url())(`http://${host}:444/`, post)), "403 ");
  }));

test("a proxy that refuses connections is named, and the request is tried again", async () => {
  const proxy = `127.0.0.1:${await closedPort()}`;
  for (const url of [`http://${host}/`, `https://${host}/`]) {
    assert.deepEqual(await errorOf(fetchThrough(`http://ann:hunter2@${proxy}`)(url, post)), {
      reason: `no connection to the proxy ${proxy}: the connection was refused`,
      isPermanent: false,
      unreached: true,
    });
  }
});

test("a request ends with its signal while the proxy does not answer", () =>
  withHttpProxy({ hangs: true }, async (proxy) => {
    const reason = new Error("enough");
    for (const url of [`http://${host}/`, `https://${host}/`]) {
      const controller = new AbortController();
      const request = fetchThrough(proxy.url())(url, { ...post, signal: controller.signal });
      setTimeout(() => controller.abort(reason), 20);
      await assert.rejects(request, reason);
    }
  }));

// Runs on one runtime: the requests depend on the options only, and other tests of the command use TLS and HTTP on each runtime.
/** The command against a server that stands in for the query API. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { makeCertificates } from "../../support/certificates.ts";
import { runCli } from "../../support/cli.ts";

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly form: URLSearchParams;
}

/** Answers every query, and keeps the requests. */
function answering(asked: Asked[], status: number, body: unknown) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = "";
    for await (const chunk of request) text += chunk;
    asked.push({ path: request.url ?? "", headers: request.headers, form: new URLSearchParams(text) });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

async function listening(
  server: ReturnType<typeof createHttpServer> | ReturnType<typeof createHttpsServer>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const empty = { status: "success", data: { resultType: "vector", result: [] } };

test("the CA, the credentials and the headers are those for sending, also from the environment", async () => {
  const certificates = makeCertificates();
  const asked: Asked[] = [];
  try {
    await listening(createHttpsServer(certificates.server, answering(asked, 200, empty)), async (port) => {
      const url = `https://localhost:${port}/api/v1/push`;
      const env = {
        K6_PROMETHEUS_RW_SERVER_URL: url,
        K6_PROMETHEUS_RW_BEARER_TOKEN: "t0k3n",
        K6_PROMETHEUS_RW_HEADERS_X_SCOPE: "team",
      };
      const args = ["verdict", "--testid", 'a"b', "--header", "X-Scope-OrgID: tenant"];
      const refused = await runCli([...args, "--ca-cert-file", certificates.otherCaFile], { env });
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /Cannot query https:\/\/localhost:\d+\/prometheus\/api\/v1: /);
      assert.equal(asked.length, 0);
      const { code, stderr } = await runCli([...args, "--ca-cert-file", certificates.caFile], { env });
      assert.equal(code, 2);
      assert.match(stderr, /has no series k6_\* with testid="a"b" in the time that was searched/);
    });
  } finally {
    certificates.remove();
  }
  const [{ path, headers, form } = assert.fail()] = asked;
  assert.equal(path, "/prometheus/api/v1/query");
  assert.deepEqual([headers.authorization, headers["x-scope-orgid"]], ["Bearer t0k3n", "tenant"]);
  assert.match(form.get("query") ?? "", /testid="a\\"b"/);
});

test("a refused query is exit code 2, and the message shows no secret", async () => {
  const asked: Asked[] = [];
  const body = { status: "error", error: "no org id for s3cr3t" };
  await listening(createHttpServer(answering(asked, 401, body)), async (port) => {
    const url = `http://user:s3cr3t@127.0.0.1:${port}/api/v1/write`;
    const { code, stdout, stderr } = await runCli(["verdict", "--testid", "a", "--url", url]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /^error: Cannot query http:\/\/127\.0\.0\.1:\d+\/api\/v1: status 401: no org id for \*\*\*; --query-url/,
    );
  });
});

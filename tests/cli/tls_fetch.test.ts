import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createTlsFetch } from "../../src/cli/tls_fetch.ts";
import { makeCertificates } from "../support/certificates.ts";

test("an answer that no Response can hold is a failed request, and the next one goes on", async () => {
  const certificates = makeCertificates();
  let answers = 0;
  const server = createServer(certificates.server, (request, response) => {
    request.resume();
    if (++answers > 1) return void response.writeHead(204).end();
    // Some firewalls answer so.
    response.socket?.end("HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const fetch = createTlsFetch({ ca: readFileSync(certificates.caFile, "utf8") });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await assert.rejects(fetch(url, { method: "POST", body: "x" }), TypeError);
    assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 204);
  } finally {
    server.closeAllConnections();
    server.close();
    certificates.remove();
  }
});

// Runs on the newest Node, too: TLS.
import assert from "node:assert/strict";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createTlsFetch, type TlsOptions } from "../../src/cli/tls_fetch.ts";
import { withReceiver } from "../support/receiver_server.ts";
import { isOneRuntime } from "../support/runs.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { type CliResult, point, runCli, usageErrorOf } from "../support/cli.ts";

let certificates: Certificates;

before(() => {
  certificates = makeCertificates();
});
after(() => certificates.remove());

const input = point(1);
const clientCertFile = (): string => certificates.clientCertFile;
const clientKeyFile = (): string => certificates.clientKeyFile;

/** Lets a server listen on a free port while `use` runs, and closes it. */
async function listen(
  server: Server & { closeAllConnections(): void },
  use: (port: number) => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a response that no Response can hold is a failed request, and the next request succeeds", async () => {
  let responses = 0;
  const server = createServer(certificates.server, (request, response) => {
    request.resume();
    if (++responses > 1) return void response.writeHead(204).end();
    // Some firewalls respond like this.
    response.socket?.end("HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n");
  });
  await listen(server, async (port) => {
    const fetch = createTlsFetch({ ca: readFileSync(certificates.caFile, "utf8") });
    const url = `https://127.0.0.1:${port}/`;
    await assert.rejects(fetch(url, { method: "POST", body: "x" }), TypeError);
    assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 204);
  });
});

test("over https, a CA file verifies, another CA rejects, and without a CA any certificate is accepted with a warning", () =>
  withReceiver(async ({ url, requests }) => {
    const sendPoint = (...args: string[]): Promise<CliResult> =>
      runCli(["-", "--replay", "--protocol", "1.0", "--url", url, ...args], {
        input,
        env: { K6_PROMETHEUS_USER: "ann", K6_PROMETHEUS_PASSWORD: "hunter2" },
      });
    const trusted = await sendPoint("--ca-cert-file", certificates.caFile);
    assert.equal(trusted.code, 0, trusted.stderr);
    assert.doesNotMatch(trusted.stderr, /certificate/);
    assert.equal(requests.at(-1)?.headers.get("authorization"), `Basic ${btoa("ann:hunter2")}`);
    const byDefault = await sendPoint();
    assert.equal(byDefault.code, 0, byDefault.stderr);
    assert.match(byDefault.stderr, /warn: Any certificate is/);
    const skipped = await sendPoint("--ca-cert-file", certificates.otherCaFile, "--insecure-skip-tls-verify");
    assert.equal(skipped.code, 0, skipped.stderr);
    const before = requests.length;
    const untrusted = await sendPoint("--ca-cert-file", certificates.otherCaFile);
    assert.equal(untrusted.code, 1, untrusted.stderr);
    assert.match(untrusted.stderr, /No trusted CA signed the endpoint's certificate\. To trust it, use --ca-cert-file/);
    assert.equal(requests.length, before, "nothing is sent to an endpoint that is not trusted");
    for (const { stderr } of [trusted, byDefault, skipped, untrusted]) assert.doesNotMatch(stderr, /hunter2/);
  }, { tls: certificates.server }));

const trust = "To trust it, use --ca-cert-file FILE or --insecure-skip-tls-verify";
const badCertificates: readonly (readonly [keyof Certificates["bad"], string])[] = [
  ["expired", `The endpoint's certificate has expired. ${trust}`],
  ["otherHost", `The endpoint's certificate is for another host. ${trust}`],
  ["selfSigned", `No trusted CA signed the endpoint's certificate. ${trust}`],
];
for (const [kind, message] of badCertificates) {
  test(`a certificate that is bad (${kind}) is an error at once, with the flag that helps, live and in a replay`, () =>
    withReceiver(async ({ url, requests }) => {
      // The runtime's own fetch, and that of the command.
      const env = { NODE_EXTRA_CA_CERTS: certificates.caFile, DENO_CERT: certificates.caFile };
      const verify = "--no-insecure-skip-tls-verify";
      const flags = [[verify], ["--ca-cert-file", certificates.caFile], ...isOneRuntime ? [["--replay", verify]] : []];
      // After a minute, the test would end the commands.
      const runs = await Promise.all(
        flags.map((each) => runCli(["-", "--close-timeout", "1h", "--url", url, ...each], { input, env })),
      );
      for (const { code, stderr } of runs) {
        assert.equal(code, 1, stderr);
        assert.match(stderr, /warn: The endpoint refuses all requests \(fetch cannot send to this endpoint: /);
        assert.ok(stderr.includes(`. ${message}.\n`), stderr);
        assert.equal(stderr.split("--ca-cert-file").length, 2, stderr);
      }
      assert.equal(requests.length, 0);
    }, { tls: certificates.bad[kind] }));
}

test("TLS on a port without TLS and a port that fetch blocks are errors at once; a refused connection is tried again", () =>
  withReceiver(async ({ url }) => {
    const secure = url.replace("http:", "https:");
    // After a minute, the test would end the command.
    const run = (to: string, ...args: string[]): Promise<CliResult> =>
      runCli(["-", "--close-timeout", "1h", "--url", to, ...args], { input });
    const plain = await run(secure, "--no-insecure-skip-tls-verify");
    assert.match(
      plain.stderr,
      /warn: The endpoint refuses all requests .*The endpoint does not use TLS on this port\./,
    );
    const insecure = await run(secure);
    assert.match(
      insecure.stderr,
      /warn: The endpoint refuses all requests .*The endpoint does not use TLS on this port\./,
    );
    // Bun blocks no port.
    const isBun = "Bun" in globalThis;
    const blocked = await run("http://127.0.0.1:1/", ...(isBun ? ["--retry-deadline", "100ms"] : []));
    assert.match(
      blocked.stderr,
      isBun ? /tries again/ : /The endpoint refuses all requests .*Use another port\./,
    );
    for (const { code } of [plain, insecure, blocked]) assert.equal(code, 1);
  }));

test("a URL that can never work is a usage error", async () => {
  for (
    const url of [
      "ftp://127.0.0.1/",
      "http://exa mple.com/",
      "http://a<b>.com/",
      "http://127.0.0.1:99999/",
      "127.0.0.1",
    ]
  ) {
    assert.match(await usageErrorOf(["--replay", "--url", url]), /it is not a URL that begins with http:/);
  }
});

const handshakes: readonly (readonly [
  title: string,
  server: object,
  options: readonly [accepted: () => TlsOptions, rejected: TlsOptions],
  run: () => readonly [code: number, args: string[], env: Record<string, string>],
])[] = [
  [
    "a client certificate is presented; without it, the handshake fails",
    { requestCert: true, rejectUnauthorized: true },
    [() => ({ cert: readFileSync(clientCertFile(), "utf8"), key: readFileSync(clientKeyFile(), "utf8") }), {}],
    () => [0, [], {
      K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: clientCertFile(),
      K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: clientKeyFile(),
      K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION: "1.3",
    }],
  ],
  [
    "a minimum TLS version that the endpoint does not support is an error",
    { maxVersion: "TLSv1.2" },
    [() => ({ minVersion: "TLSv1.2" }), { minVersion: "TLSv1.3" }],
    () => [1, ["--tls-min-version", "1.3"], {}],
  ],
];
for (const [title, options, [accepted, rejected], run] of handshakes) {
  test(title, async () => {
    const paths: unknown[] = [];
    const server = createServer({ ...certificates.server, ...options }, (request, response) => {
      paths.push(request.url);
      const headers = { "x-prometheus-remote-write-samples-written": "100" };
      request.resume().on("end", () => response.writeHead(204, headers).end());
    });
    await listen(server, async (port) => {
      const url = `https://127.0.0.1:${port}/`;
      const ca = readFileSync(certificates.caFile, "utf8");
      assert.equal((await createTlsFetch({ ca, ...accepted() })(`${url}good`, { method: "POST" })).status, 204);
      await assert.rejects(createTlsFetch({ ca, ...rejected })(`${url}bad`, { method: "POST" }));
      const [expected, flags, env] = run();
      const args = ["--url", url, "--ca-cert-file", certificates.caFile, "--replay", "--retry-deadline", "0s"];
      const { code, stderr } = await runCli([...args, ...flags], { input, env });
      assert.equal(code, expected, stderr);
      assert.deepEqual(paths, code === 0 ? ["/good", "/"] : ["/good"]);
    });
  });
}

test("a CA also verifies an https token endpoint if samples are sent over http", async () => {
  const seen = new Set<string | undefined>();
  const tokens = createServer(certificates.server, (request, response) => {
    request.resume().on("end", () => response.end(JSON.stringify({ access_token: "secret-token" })));
  });
  const target = createHttpServer((request: IncomingMessage, response) => {
    seen.add(request.headers.authorization);
    const headers = { "x-prometheus-remote-write-samples-written": "100" };
    request.resume().on("end", () => response.writeHead(204, headers).end());
  });
  await listen(tokens, (tokenPort) =>
    listen(target, async (port) => {
      const tokenUrl = `https://127.0.0.1:${tokenPort}/`;
      const flags = ["--oauth2-token-url", tokenUrl, "--oauth2-client-id", "a", "--oauth2-client-secret", "hunter2"];
      const args = ["--url", `http://127.0.0.1:${port}/`, ...flags, "--replay", "--retry-deadline", "0"];
      const trusted = await runCli([...args, "--ca-cert-file", certificates.caFile], { input });
      assert.equal(trusted.code, 0, trusted.stderr);
      const verified = await runCli([...args, "--no-insecure-skip-tls-verify"], { input });
      assert.equal(verified.code, 1, verified.stderr);
      const skipped = await runCli(args, { input });
      assert.equal(skipped.code, 0, skipped.stderr);
      assert.match(skipped.stderr, /warn: Any certificate is/);
    }));
  assert.deepEqual([...seen], ["Bearer secret-token"]);
});

/** Writes a file next to the certificates. */
function file(name: string, content: string): string {
  writeFileSync(`${certificates.caFile}.${name}`, content);
  return `${certificates.caFile}.${name}`;
}

const url = ["--url", "https://127.0.0.1:1/"];
const wrong: readonly (readonly [string, () => readonly string[], RegExp])[] = [
  ["a missing CA file", () => ["--ca-cert-file", "/nonexistent/ca.pem"], /CA file "\/nonexistent\/ca\.pem": /],
  [
    "a CA file without a certificate",
    () => ["--ca-cert-file", "README.md"],
    /CA file "README\.md": it contains no cert/,
  ],
  [
    "a CA file with a damaged certificate",
    () => {
      const pem = readFileSync(certificates.caFile, "utf8");
      return ["--ca-cert-file", file("damaged", pem.replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAAAAAA"))];
    },
    /its certificate number 1 cannot be read/,
  ],
  ["a certificate without a key", () => ["--client-cert-file", certificates.clientCertFile], /without its key/],
  [
    "a key file without a key",
    () => ["--client-cert-file", certificates.clientCertFile, "--client-key-file", file("key", "hunter2")],
    /client key file ".*": it cannot be read/,
  ],
];
for (const [title, args, message] of wrong) {
  test(`${title} is a usage error that shows no secret`, async () => {
    const error = await usageErrorOf(["--replay", ...url, ...args()]);
    assert.match(error, message);
    assert.doesNotMatch(error, /hunter2/);
  });
}

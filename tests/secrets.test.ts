import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isRemoteWriteError } from "../src/model/errors.ts";
import type { RemoteWriteOutputOptions } from "../src/k6/output/output_options.ts";
import { RemoteWriteOutput } from "../src/k6/output/remote_write_output.ts";
import { pushOnce } from "../src/client/push_once.ts";
import { RemoteWriteClient } from "../src/client/remote_write_client.ts";
import { runCli, startCli } from "./support/cli.ts";
import { acceptSamples } from "./support/accept_samples.ts";
import { startFaultServer } from "./support/fault_server.ts";
import { FakePrometheus } from "./support/fake_prometheus.ts";

const [user, password, query, header, bearer] = [
  "us3r-name",
  "p@ss-w0rd",
  "query-s3cret",
  "h3ader-secret",
  "b3arer-token",
];
const basic = btoa(`${user}:${password}`);
const encoded = encodeURIComponent(password);

function assertNoSecret(
  text: string,
  where: string,
  secrets: readonly string[] = [password, query, header, bearer, basic, encoded],
): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), `${where} shows ${secret}: ${text}`);
}

/** Ways to authenticate, each with what is secret then, in all forms in which somebody may repeat it. */
const ways: readonly (readonly [what: string, RemoteWriteOutputOptions, secrets: readonly string[]])[] = [
  [
    "user info",
    { url: `http://${user}:${encoded}@receiver.test/write?t=${query}` },
    [user, password, encoded, basic, query],
  ],
  ["user and password", { url: `http://receiver.test/write?t=${query}`, user, password }, [password, basic, query]],
  [
    "bearer token",
    { url: "http://receiver.test/write", bearerToken: bearer, headers: { "X-Key": header } },
    [bearer, `Bearer ${bearer}`, header],
  ],
  [
    "header",
    { url: "http://receiver.test/write", headers: { Authorization: `Bearer ${bearer}`, "X-Key": header } },
    [bearer, `Bearer ${bearer}`, header],
  ],
];

/** Whatever answers repeats what it was told. */
function answersWith(secrets: readonly string[]): readonly (readonly [what: string, () => Response])[] {
  const everything = secrets.join(" | ");
  const location = `http://${user}:${bearer}@h/?t=${query}`;
  return [
    ...[400, 401, 403, 404, 413, 422, 429, 500, 503].map((status) =>
      [`status ${status}`, () => new Response(everything, { status })] as const
    ),
    ["redirect", () => new Response(null, { status: 302, headers: { Location: location } })],
    ["network error", () => {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(everything), { code: "ECONNRESET" }) });
    }],
    ["other error", () => {
      throw new Error(everything);
    }],
  ];
}

const labels = [{ name: "__name__", value: "up" }];
const metric = { name: "c", type: "counter", contains: "default" } as const;

for (const [way, options, secrets] of ways) {
  test(`no secret in any warning, report or error of the library: ${way}`, async () => {
    for (const [what, answer] of answersWith(secrets)) {
      const said: string[] = [];
      const client: RemoteWriteOutputOptions = {
        ...options,
        retryDeadlineMs: 0,
        fetch: () => Promise.resolve().then(answer),
        onWarning: (message) => said.push(message),
      };
      const output = new RemoteWriteOutput(client);
      output.add({ metric, time: 1, value: 1, tags: {} });
      const { reasons, delivered } = await output.close();
      assert.equal(delivered, 0);
      assert.ok(reasons.length > 0, what);
      const series = [{ labels, samples: [{ value: 1, timestamp: 1 }] }];
      const { reasons: pushed } = await pushOnce(series, client);
      await assert.rejects(new RemoteWriteClient(client).write(series), (error) => {
        assert.ok(isRemoteWriteError(error), what);
        said.push(error.message, JSON.stringify(error));
        return true;
      });
      assertNoSecret([...said, JSON.stringify([reasons, pushed])].join("\n"), what, secrets);
    }
  });
}

const wrong: readonly RemoteWriteOutputOptions[] = [
  { url: `http//${user}:${password}@${query}` },
  { url: `ftp://${user}:${password}@receiver.test/?t=${query}` },
  { url: `http://${user}:${password}@receiver.test/`, bearerToken: bearer },
  { user, password, headers: { authorization: `Bearer ${bearer}` } },
  { headers: { "X-Key": `${header}\n` + bearer } },
  { headers: { [`X Key`]: header } },
  { bearerToken: `${bearer}\n${header}` },
];
for (const [index, options] of wrong.entries()) {
  test(`no secret in the error of options that make no sense (${index + 1})`, () => {
    assert.throws(() => new RemoteWriteOutput(options), (error) => {
      assert.ok(isRemoteWriteError(error), String(error));
      assertNoSecret(`${error.message} ${error.cause}`, "the error");
      return true;
    });
  });
}

const point = '{"metric":"vus","type":"Point","data":{"time":"2023-11-22T11:19:49Z","value":1,"tags":{}}}\n';
const credentials: readonly (readonly [args: string[], env: Record<string, string>, search: string])[] = [
  [["--user", user, "--password", password, "--header", `X-Key:${header}`], {}, `?t=${query}`],
  [["--bearer-token", bearer], { "K6_PROMETHEUS_HEADERS_X-Key": header }, `?t=${query}`],
];

test("no secret in what the command prints: refused, never answered, nobody there, wrong usage, interrupted", async () => {
  const closing = await acceptSamples();
  const deadUrl = closing.url;
  await closing.close();
  const hanging = await startFaultServer({ receiver: new FakePrometheus(), around: () => {} });
  try {
    for (const [args, env, search] of credentials) {
      const told = args.includes("--user") ? [password, basic] : [bearer];
      const refusing = await acceptSamples({ status: 400, reason: [...told, header, query].join(" | ") });
      const refused = await runCli([
        "-",
        "--replay",
        "--log-level",
        "debug",
        "--url",
        `${refusing.url}${search}`,
        ...args,
      ], {
        input: point,
        env,
      }).finally(() => refusing.close());
      assert.equal(refused.code, 1, refused.stderr);
      assert.match(refused.stderr, /rejected/);
      assertNoSecret(refused.stderr + refused.stdout, "a refusal");

      const dead = await runCli(
        ["-", "--replay", "--retry-deadline", "50ms", "--url", `${deadUrl}${search}`, ...args],
        {
          input: point,
          env,
        },
      );
      assert.equal(dead.code, 1, dead.stderr);
      assert.match(dead.stderr, /the connection was refused/);
      assert.match(dead.stderr, /delivered {2}0 of 1 sample, 1 failed/);
      assertNoSecret(dead.stderr, "nobody there");

      const slow = await runCli(
        ["-", "--replay", "--retry-deadline", "0", "--timeout", "50ms", "--url", `${hanging.url}${search}`, ...args],
        { input: point, env },
      );
      assert.equal(slow.code, 1, slow.stderr);
      assert.match(slow.stderr, /the endpoint did not answer within 0.05 s/);
      assertNoSecret(slow.stderr, "no answer");

      const stopped = startCli(["-", "--replay", "--url", `${deadUrl}${search}`, ...args], { input: point, env });
      await stopped.printed("connection was refused");
      const { code, stderr } = await stopped.insist("SIGTERM");
      assert.equal(code, 143);
      assertNoSecret(stderr, "an interruption");
    }
    const usage: readonly (readonly [string[], Record<string, string>])[] = [
      [["--url", `http//${user}:${password}@h`], {}],
      [["--header", header], {}],
      [["--user", user, "--password", password, "--bearer-token", bearer], {}],
      [[], { K6_PROMETHEUS_REMOTE_URL: `//${user}:${password}@h` }],
      [[], { "K6_PROMETHEUS_HEADERS_X Y": header }],
      [[], { K6_PROMETHEUS_RW_HTTP_HEADERS: header }],
      [["--bearer-token", bearer, "--header", `authorization:Bearer ${header}`], {}],
    ];
    for (const [args, env] of usage) {
      const { code, stderr } = await runCli(["-", ...args], { input: "", env });
      assert.equal(code, 2, stderr);
      assertNoSecret(stderr, args.join(" "));
    }
  } finally {
    await hanging.close();
  }
});

test("a token file that cannot be used is named, and its content is not shown", async () => {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-secrets-"));
  try {
    const file = join(folder, "token");
    writeFileSync(file, `${bearer}\n${header}\n`);
    const { stderr } = await runCli(
      ["-", "--replay", "--bearer-token-file", file, "--retry-deadline", "0", "--url", "http://127.0.0.1:1/write"],
      { input: point },
    );
    assertNoSecret(stderr, "the token file");
    assert.match(stderr, /error|0 of 1 sample/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** No secret appears in what the library and the command say. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  isRemoteWriteError,
  pushOnce,
  RemoteWriteClient,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
} from "../mod.ts";
import { runCli, startCli } from "./support/cli.ts";
import { startReceiver } from "./support/receiver_server.ts";
import { firstElsewhere } from "./support/runs.ts";
import { refusing } from "./support/scripted_receiver.ts";

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

/** Options with secrets, and the forms of the secrets that a receiver or a runtime may repeat. */
const settings: readonly (readonly [what: string, RemoteWriteOutputOptions, secrets: readonly string[]])[] = [
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
  [
    "auth",
    {
      url: `http://receiver.test/write?t=${query}`,
      headers: { "X-Api-Key": header, "Proxy-Authorization": `Basic ${basic}` },
      auth: () => ({ authorize: ({ headers }) => void headers.set("authorization", `Bearer ${bearer}`) }),
    },
    [query, header, bearer, password, basic, `Basic ${basic}`],
  ],
  [
    "auth that fails",
    {
      url: `http://receiver.test/write?t=${query}`,
      headers: { "X-Api-Key": header },
      auth: () => ({
        authorize: () => {
          throw new Error(`${query} ${header}`);
        },
      }),
    },
    [query, header],
  ],
];

/** Responses and errors that repeat the secrets. */
function answersWith(secrets: readonly string[]): readonly (readonly [what: string, () => Response])[] {
  const everything = secrets.join(" | ");
  const throwing = (error: Error) => (): never => {
    throw error;
  };
  const redirect = (status: number, location: string) => () =>
    new Response(everything, { status, headers: { Location: location } });
  const failed = (cause: Error): Error => new TypeError("fetch failed", { cause });
  const coded = (code: string): Error => Object.assign(new Error(everything), { code });
  return [
    ...[400, 401, 403, 404, 413, 422, 429, 500, 503].map((status) =>
      [`status ${status}`, () => new Response(everything, { status })] as const
    ),
    ...secrets.map((secret) =>
      ["a secret at the cut", () => new Response("x".repeat(1010) + secret, { status: 400 })] as const
    ),
    ["redirect", redirect(302, `http://${user}:${bearer}@h/?t=${query}`)],
    ["redirect to another host", redirect(307, `https://${user}:${bearer}@other.test/?t=${query}`)],
    ["network error", throwing(failed(coded("ECONNRESET")))],
    ["refused connection", throwing(failed(coded("ECONNREFUSED")))],
    ["error of a certificate", throwing(failed(new Error(`certificate of ${everything}`)))],
    ["missing permission", throwing(Object.assign(new Error(everything), { name: "NotCapable" }))],
    ["type error", throwing(new TypeError(everything))],
    ["other error", throwing(new Error(everything))],
  ];
}

const labels = [{ name: "__name__", value: "up" }];
const metric = { name: "c", type: "counter", contains: "default" } as const;

for (const [title, options, secrets] of settings) {
  test(`no warning, report or error of the library shows a secret: ${title} (on one runtime)`, async () => {
    for (const [what, answer] of answersWith(secrets)) {
      const messages: string[] = [];
      const client: RemoteWriteOutputOptions = {
        ...options,
        retryDeadlineMs: 0,
        fetch: () => Promise.resolve().then(answer),
        onWarning: (message) => messages.push(message),
      };
      // A refusal of all requests is tried again until the end.
      const output = new RemoteWriteOutput({ ...client, closeTimeoutMs: 50 });
      output.add({ metric, time: 1, value: 1, tags: {} });
      const { reasons, delivered } = await output.close();
      assert.equal(delivered, 0);
      assert.ok(reasons.length > 0, what);
      const series = [{ labels, samples: [{ value: 1, timestamp: 1 }] }];
      const { reasons: pushed } = await pushOnce(series, client);
      await assert.rejects(new RemoteWriteClient(client).write(series), (error) => {
        assert.ok(isRemoteWriteError(error), what);
        messages.push(error.message, JSON.stringify(error));
        return true;
      });
      // A secret must not be cut before it is found.
      const hidden = what === "a secret at the cut" ? secrets.map((secret) => secret.slice(0, 8)) : secrets;
      assertNoSecret([...messages, JSON.stringify([reasons, pushed])].join("\n"), what, hidden);
    }
  });
}

async function reasonOf(options: RemoteWriteOutputOptions, echo: string): Promise<string> {
  const { reasons } = await pushOnce([{ labels, samples: [{ value: 1, timestamp: 1 }] }], {
    ...options,
    fetch: () => Promise.resolve(new Response(echo, { status: 403 })),
    onWarning: () => {},
  });
  assert.equal(reasons[0]?.outcome, "failed");
  return reasons[0].reason;
}

test("a secret is hidden in every form in which a receiver may repeat it", async () => {
  const url = "http://receiver.test/w";
  const cases: readonly (readonly [what: string, RemoteWriteOutputOptions, echo: string, secret: RegExp])[] = [
    [
      "UTF-8",
      { url, headers: { authorization: basicAuth("ann:p\u00e4ssw\u00f6rd") } },
      "no: p\u00e4ssw\u00f6rd",
      /ssw/,
    ],
    ["URL", { url, headers: { authorization: basicAuth("ann:p@ss/word") } }, "user=ann&pass=p%40ss%2Fword", /ss%2F/],
    ["JSON", { url, headers: { authorization: basicAuth('ann:p"ss\\word') } }, '{"p":"p\\"ss\\\\word"}', /word/],
    ["names", { url: `${url}?sample=hunter2` }, "the sample is out of order", /\*\*\*/],
    ["lower-case URL", { url, headers: { authorization: basicAuth("ann:p@ss/word") } }, "pass=p%40ss%2fword", /word/],
    ["JSON of PHP", { url, headers: { authorization: basicAuth("ann:p@ss/word") } }, '{"p":"p@ss\\/word"}', /word/],
    ["HTML of Go", { url, headers: { authorization: basicAuth(`ann:p"ss'word`) } }, "p&#34;ss&#39;word", /word/],
    ["HTML of others", { url, headers: { authorization: basicAuth(`ann:p"ss'word`) } }, "p&quot;ss'word", /word/],
    ["HTML", { url: `${url}?token=s3cr%2Ft%2Bx&x=1` }, "/w?token=s3cr%2Ft%2Bx&amp;x=1", /s3cr/],
    [
      "lower case",
      { url, headers: { authorization: basicAuth("ann:hunter2").replace("Basic", "basic") } },
      "hunter2",
      /hun/,
    ],
    ["parenthesis", { url: `${url}?key=abc(tail` }, `POST ${url}?key=abc(tail`, /tail/],
    ["cookie", { url, headers: { cookie: "a=1; session=hunter2; b=2" } }, "session hunter2 has ended", /hunter2/],
  ];
  for (const [what, options, echo, secret] of cases) {
    const reason = await reasonOf(options, echo);
    assert.match(reason, /^status 403: ./, what);
    assert.doesNotMatch(reason, secret, what);
  }
});

test("a secret that occurs twice is hidden also at the cut", async () => {
  const secret = "0123456789".repeat(10);
  const echo = `${secret} ${"x".repeat(940)} ${secret}${"y".repeat(2000)}`;
  const reason = await reasonOf({ headers: { authorization: `Bearer ${secret}` } }, echo);
  assert.match(reason, /^status 403: \*\*\* x+/);
  assert.doesNotMatch(reason, /0123/);
});

/** Returns the header of RFC 7617. */
function basicAuth(credentials: string): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
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
  test(`the error of wrong options does not show a secret (${index + 1})`, () => {
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

test("the command prints no secret after a refusal, a timeout, a refused connection or an interruption", async () => {
  const closing = await startReceiver();
  const deadUrl = closing.url;
  await closing.close();
  const hanging = await startReceiver({ around: () => {} });
  try {
    for (const [args, env, search] of firstElsewhere(credentials)) {
      const secrets = args.includes("--user") ? [password, basic] : [bearer];
      const server = await startReceiver({ script: refusing(400, [...secrets, header, query].join(" | ")) });
      const refused = await runCli([
        "-",
        "--replay",
        "--log-level",
        "debug",
        "--url",
        `${server.url}${search}`,
        ...args,
      ], {
        input: point,
        env,
      }).finally(() => server.close());
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
      assertNoSecret(dead.stderr, "a refused connection");

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
  } finally {
    await hanging.close();
  }
});

test("the command prints no secret after wrong usage (on one runtime)", async () => {
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
});

test("the content of a token file that cannot be used is not shown", async () => {
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

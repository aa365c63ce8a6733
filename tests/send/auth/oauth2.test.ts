import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { oauth2, type OAuth2Options } from "../../../src/send/auth/oauth2.ts";
import type { Authorizer } from "../../../src/send/auth/authorizer.ts";
import { createHttpSender } from "../../../src/send/http_sender.ts";
import { httpOptions, request as encoded } from "../../support/sending.ts";
import { requestTo, unaborted } from "../../support/auth_request.ts";

const secret = "s3cr3t/+ &: ü";
const options: OAuth2Options = { tokenUrl: "https://id.example/token", clientId: "k6", clientSecret: secret };

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Headers;
  readonly params: URLSearchParams;
}

/** A token endpoint that gives these answers in turn, and then the last one again and again. */
function endpoint(answers: readonly (() => Response | Promise<Response>)[], clock = { ms: 1_000_000 }): {
  authorizerOf(options: OAuth2Options): Authorizer;
  asked: Asked[];
} {
  const asked: Asked[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    asked.push({ url, init, headers: new Headers(init.headers), params: new URLSearchParams(String(init.body)) });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    assert.ok(answer !== undefined);
    return await answer();
  };
  const context = {
    url: new URL("https://host/write"),
    fetch,
    now: () => clock.ms,
    sleep: () => new Promise<void>(() => {}),
  };
  return { authorizerOf: (given) => oauth2(given)(context), asked };
}

const token = (fields: Readonly<Record<string, unknown>> = {}): () => Response => () =>
  Response.json({ access_token: "tok-1", token_type: "Bearer", expires_in: 3600, ...fields });

async function authorizationOf(authorizer: Authorizer): Promise<string | undefined> {
  const request = requestTo("https://host/write");
  await authorizer.authorize(request, unaborted());
  return request.headers.get("authorization");
}

/** Returns the message of the error, after checking that it shows no secret in any form. */
async function messageOf(authorizer: Authorizer, name: "ConfigurationError" | "Error"): Promise<string> {
  let message = "";
  await assert.rejects(authorizationOf(authorizer), (error: unknown) => {
    assert.ok(error instanceof Error);
    assert.equal(error.name, name, error.message);
    message = error.message;
    return true;
  });
  for (const form of [secret, "s3cr3t", encodeURIComponent(secret), Buffer.from(`k6:${secret}`).toString("base64")]) {
    assert.ok(!message.includes(form), message);
  }
  return message;
}

test("a token is requested as RFC 6749, 4.4.2 says, with the client in the header", async () => {
  const { authorizerOf, asked } = endpoint([token()]);
  const authorizer = authorizerOf({
    ...options,
    scopes: ["write", "read"],
    endpointParams: { audience: "https://x/?a=b" },
  });
  assert.equal(await authorizationOf(authorizer), "Bearer tok-1");
  const [request] = asked;
  assert.ok(request !== undefined);
  assert.equal(request.url, "https://id.example/token");
  assert.equal(request.init.method, "POST");
  assert.equal(request.init.redirect, "manual");
  assert.equal(request.headers.get("content-type"), "application/x-www-form-urlencoded");
  assert.deepEqual(Object.fromEntries(request.params), {
    grant_type: "client_credentials",
    scope: "write read",
    audience: "https://x/?a=b",
  });
  // RFC 6749, 2.3.1: each part is form-encoded before the two are joined.
  const credentials = Buffer.from((request.headers.get("authorization") ?? "").replace("Basic ", ""), "base64");
  assert.equal(credentials.toString(), "k6:s3cr3t%2F%2B+%26%3A+%C3%BC");
});

test("the client may send its secret in the body instead", async () => {
  const { authorizerOf, asked } = endpoint([token()]);
  await authorizationOf(authorizerOf({ ...options, clientAuthentication: "body" }));
  assert.equal(asked[0]?.headers.get("authorization"), null);
  assert.deepEqual(Object.fromEntries(asked[0]?.params ?? []), {
    grant_type: "client_credentials",
    client_id: "k6",
    client_secret: secret,
  });
});

test("a token is used until half a minute before it expires", async () => {
  const clock = { ms: 1_000_000 };
  const { authorizerOf, asked } = endpoint([token(), token({ access_token: "tok-2" })], clock);
  const authorizer = authorizerOf(options);
  const all = await Promise.all([authorizationOf(authorizer), authorizationOf(authorizer)]);
  assert.deepEqual(all, ["Bearer tok-1", "Bearer tok-1"]);
  clock.ms += 3_570_000 - 1;
  assert.equal(await authorizationOf(authorizer), "Bearer tok-1");
  assert.equal(asked.length, 1);
  clock.ms += 1;
  assert.equal(await authorizationOf(authorizer), "Bearer tok-2");
});

test("the lifetime may be a string; without a usable one the token is used until it is refused", async () => {
  for (
    const [lifetime, again] of [["60", true], [undefined, false], ["soon", false], [0, false], [-1, false]] as const
  ) {
    const clock = { ms: 1_000_000 };
    const { authorizerOf, asked } = endpoint([token({ expires_in: lifetime, token_type: undefined })], clock);
    const authorizer = authorizerOf(options);
    await authorizationOf(authorizer);
    clock.ms += 86_400_000;
    await authorizationOf(authorizer);
    assert.equal(asked.length, again ? 2 : 1, String(lifetime));
  }
});

test("after a 401 the sender gets one new token and tries once more", async () => {
  const clock = { ms: 1_000_000 };
  const { authorizerOf, asked } = endpoint([token(), token({ access_token: "tok-2" })], clock);
  const authorizer = authorizerOf(options);
  const sent: (string | null)[] = [];
  let valid = "Bearer tok-1";
  const send = createHttpSender({
    ...httpOptions,
    authorizer,
    fetch: (_, init) => {
      const authorization = new Headers(init.headers).get("authorization");
      sent.push(authorization);
      return Promise.resolve(new Response(null, { status: authorization === valid ? 204 : 401 }));
    },
    sleep: () => new Promise(() => {}),
    now: () => clock.ms,
  });
  assert.equal((await send(encoded, unaborted())).kind, "written");
  valid = "Bearer tok-2";
  assert.equal((await send(encoded, unaborted())).kind, "written");
  assert.deepEqual(sent, ["Bearer tok-1", "Bearer tok-1", "Bearer tok-2"]);
  valid = "none";
  assert.equal((await send(encoded, unaborted())).kind, "rejected");
  assert.equal(sent.length, 5);
  assert.equal(asked.length, 3);
});

test("samples are rejected if the token endpoint refuses the client, and tried again after other errors", async () => {
  for (const [status, kind] of [[400, "rejected"], [401, "rejected"], [503, "failed"], [429, "failed"]] as const) {
    const { authorizerOf } = endpoint([() => Response.json({ error: "no" }, { status })]);
    const send = createHttpSender({
      ...httpOptions,
      authorizer: authorizerOf(options),
      fetch: () => Promise.reject(new Error("not to be reached")),
      sleep: () => new Promise(() => {}),
      now: () => 0,
    });
    const result = await send(encoded, unaborted());
    assert.equal(result.kind, kind);
  }
});

test("the endpoint's error is shown in its own words, without the secret even if it echoes it", async () => {
  const { authorizerOf } = endpoint([
    () => Response.json({ error: "invalid_client", error_description: `no "${secret}" at k6` }, { status: 401 }),
  ]);
  assert.equal(
    await messageOf(authorizerOf(options), "ConfigurationError"),
    'Cannot authenticate: no token came from https://id.example/token: it answered 401: invalid_client: no "***" at k6',
  );
});

test("the secret is not shown in any form in which an answer may echo it", async () => {
  const clientSecret = 'q"uo te\\d';
  const forms = [
    JSON.stringify(clientSecret),
    encodeURIComponent(clientSecret),
    new URLSearchParams({ clientSecret }).toString(),
    Buffer.from("k6:q%22uo+te%5Cd").toString("base64"),
  ];
  for (const form of forms) {
    const { authorizerOf } = endpoint([() => new Response(`denied: ${form}`, { status: 403 })]);
    const message = await messageOf(authorizerOf({ ...options, clientSecret }), "ConfigurationError");
    assert.match(message, /denied: .*\*\*\*/);
    assert.doesNotMatch(message, /uo|dW/);
  }
});

test("an error that is not JSON is shown as it is, shortened and on one line", async () => {
  const { authorizerOf } = endpoint([() => new Response(`bad\ngateway ${"x".repeat(5000)}`, { status: 502 })]);
  const message = await messageOf(authorizerOf(options), "Error");
  assert.match(message, /it answered 502: bad gateway x+$/);
  assert.ok(message.length < 1200);
});

test("answers without a bearer token are refused, and are not shown", async () => {
  const answers: readonly (readonly [() => Response, RegExp])[] = [
    [() => new Response("<html>tok-1</html>"), /has no access_token/],
    [() => new Response('["tok-1"]'), /has no access_token/],
    [() => new Response("null"), /has no access_token/],
    [token({ access_token: 5 }), /has no access_token/],
    [token({ access_token: "tok-1\n2" }), /the bearer token is empty, or has a space, a line break/],
    [token({ token_type: "mac" }), /the type of its token is not bearer/],
    [() => new Response(null, { status: 302, headers: { location: "https://elsewhere/" } }), /it answered 302/],
  ];
  for (const [answer, expected] of answers) {
    const message = await messageOf(endpoint([answer]).authorizerOf(options), "ConfigurationError");
    assert.match(message, expected);
    assert.ok(!message.includes("tok-1"), message);
  }
});

test("a network error is tried again, and the message says what happened", async () => {
  const { authorizerOf } = endpoint([
    () => Promise.reject(new TypeError("fetch failed", { cause: new Error(`${secret}?`) })),
  ]);
  assert.equal(
    await messageOf(authorizerOf(options), "Error"),
    "Cannot authenticate: no token came from https://id.example/token: the connection broke before the answer came: ***?",
  );
});

test("an endpoint that does not answer in time is given up", async () => {
  let timer = (): void => {};
  const sleeps: number[] = [];
  const authorizer = oauth2({ ...options, timeoutMs: 1234 })({
    url: new URL("https://host/write"),
    fetch: () => new Promise(() => {}),
    now: () => 0,
    sleep: (ms) => {
      sleeps.push(ms);
      return new Promise((resolve) => timer = resolve);
    },
  });
  const message = messageOf(authorizer, "Error");
  timer();
  assert.match(await message, /no token came from .*: it did not answer within 1\.234 s$/);
  assert.deepEqual(sleeps, [1234]);
});

test("an abort stops the request of the token, and leaves no timer behind", async () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const authorizer = oauth2(options)({
    url: new URL("https://host/write"),
    fetch: (_, init) => {
      signals.push(init.signal);
      return new Promise(() => {});
    },
    now: () => 0,
    sleep: (_, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  });
  const controller = new AbortController();
  const authorized = authorizer.authorize(requestTo("https://host/"), controller.signal);
  controller.abort(new Error("closing"));
  await assert.rejects(Promise.resolve(authorized), /closing/);
  // The request ends on a later turn than the callers that waited for it.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(signals.map((signal) => signal?.aborted), [true, true]);
});

test("options that cannot be used are refused, without showing a secret", () => {
  const refused: readonly (readonly [Partial<OAuth2Options>, RegExp])[] = [
    [{ tokenUrl: "id.example/token" }, /oauth2\.tokenUrl is \(not a URL\), expected an http or https URL/],
    [{ tokenUrl: "ftp://id.example/" }, /oauth2\.tokenUrl is ftp:\/\/id\.example\//],
    [{ tokenUrl: "https://k6:hunter2@id.example/" }, /oauth2\.tokenUrl is a URL with user info/],
    [{ clientId: "" }, /oauth2\.clientId is empty or missing/],
    [{ clientSecret: "" }, /oauth2\.clientSecret is empty or missing/],
    [{ endpointParams: { client_secret: "hunter2" } }, /oauth2\.endpointParams is setting client_secret/],
    [{ endpointParams: { grant_type: "password" } }, /oauth2\.endpointParams is setting grant_type/],
  ];
  for (const [part, expected] of refused) {
    assert.throws(() => endpoint([token()]).authorizerOf({ ...options, ...part }), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /hunter2|s3cr3t/);
      return true;
    });
  }
});

test("an answer of more than 64 KiB is an error that names the token endpoint, and its rest is not read", async () => {
  let read = 0;
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull(controller) {
          read += 4096;
          controller.enqueue(new TextEncoder().encode(" ".repeat(4096)));
        },
      }),
    );
  assert.equal(
    await messageOf(endpoint([endless]).authorizerOf(options), "ConfigurationError"),
    "Cannot authenticate: no token came from https://id.example/token: its answer is longer than 64 KiB, expected a JSON " +
      "object with a token",
  );
  assert.ok(read <= 80_000, `${read} bytes were read`);
  // The longest answer that is allowed.
  const longest = token({ access_token: "t", padding: "x".repeat(65_536 - 73) });
  assert.equal((await longest().text()).length, 65_536);
  assert.equal(await authorizationOf(endpoint([longest]).authorizerOf(options)), "Bearer t");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { QueryClient, type QueryClientOptions } from "../../../src/cli/verdict/query_client.ts";

interface Asked {
  readonly url: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

/** Returns a client whose requests get the answers in turn, and the requests. */
function clientOf(
  answers: readonly (Response | Error)[],
  options: Partial<QueryClientOptions> = {},
): { readonly client: QueryClient; readonly asked: Asked[]; readonly waited: number[] } {
  const asked: Asked[] = [];
  const waited: number[] = [];
  const client = new QueryClient({
    url: new URL("http://host/prometheus/api/v1"),
    headers: {},
    timeoutMs: 1000,
    now: () => 0,
    sleep: (ms, signal) => {
      waited.push(ms);
      return new Promise((resolve) => {
        // The timeout of an attempt never comes.
        if (ms !== 1000) resolve();
        signal.addEventListener("abort", () => resolve());
      });
    },
    fetch: (url, init) => {
      const form = new URLSearchParams(new TextDecoder().decode(init.body as Uint8Array<ArrayBuffer>));
      asked.push({ url, headers: new Headers(init.headers), form });
      const answer = answers[asked.length - 1] ?? new Error("no further answer");
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    ...options,
  });
  return { client, asked, waited };
}

/** In an answer, this becomes a list within lists, as deep as no function writes it. */
const deepPlace = "@deep";

function success(result: unknown): Response {
  const body = JSON.stringify({ status: "success", data: { resultType: "vector", result } });
  return new Response(body.replaceAll(`"${deepPlace}"`, "[".repeat(5000) + "]".repeat(5000)));
}

test("an instant query is a POST of a form, and its result has numbers", async () => {
  const { client, asked } = clientOf([success([{ metric: { le: "0.5" }, value: [1.5, "12"] }])], {
    headers: { "X-Scope-OrgID": "team" },
  });
  assert.deepEqual(await client.instant("sum(a)", 1500), [{ labels: { le: "0.5" }, value: 12 }]);
  const [{ url, headers, form } = assert.fail()] = asked;
  assert.equal(url, "http://host/prometheus/api/v1/query");
  assert.equal(headers.get("x-scope-orgid"), "team");
  assert.equal(headers.get("content-type"), "application/x-www-form-urlencoded");
  assert.deepEqual(Object.fromEntries(form), { query: "sum(a)", time: "1.5", nocache: "1" });
});

test("a native histogram has its buckets", async () => {
  // As Prometheus 2.42 answers.
  const histogram = { count: "3", sum: "1.5", buckets: [[0, "0.25", "0.5", "2"], [0, "0.5", "1", "1"]] };
  const { client } = clientOf([success([{ metric: {}, histogram: [1, histogram] }])]);
  const [series] = await client.instant("sum(a)", 1000);
  assert.deepEqual(series?.histogram, {
    count: 3,
    sum: 1.5,
    buckets: [{ low: 0.25, high: 0.5, count: 2 }, { low: 0.5, high: 1, count: 1 }],
  });
});

test("the labels of series come as a list", async () => {
  const { client, asked } = clientOf([Response.json({ status: "success", data: [{ __name__: "a", le: "1" }] })]);
  assert.deepEqual(await client.series('{a="b"}', { startMs: 1000, endMs: 2500 }), [{ __name__: "a", le: "1" }]);
  assert.equal(asked[0]?.url, "http://host/prometheus/api/v1/series");
  assert.equal(asked[0]?.form.toString(), "match%5B%5D=%7Ba%3D%22b%22%7D&start=1&end=2.5&nocache=1");
});

test("user info in the URL becomes basic authentication, and is not in the URL that is asked", async () => {
  const { client, asked } = clientOf([success([])], { url: new URL("http://user:secret@host/api/v1") });
  await client.instant("a", 0);
  assert.equal(asked[0]?.url, "http://host/api/v1/query");
  assert.equal(asked[0]?.headers.get("authorization"), `Basic ${btoa("user:secret")}`);
});

test("after a 401, a token function is asked for another token, once", async () => {
  const tokens = ["old", "new"];
  const { client, asked } = clientOf([new Response("", { status: 401 }), success([])], {
    bearerToken: () => tokens.shift() ?? "",
  });
  await client.instant("a", 0);
  assert.deepEqual(asked.map(({ headers }) => headers.get("authorization")), ["Bearer old", "Bearer new"]);
});

test("429, 5xx and network errors are tried again, 4xx is not", async () => {
  const { client, waited } = clientOf([new Response("", { status: 503 }), new TypeError("fetch failed"), success([])]);
  await client.instant("a", 0);
  assert.deepEqual(waited.filter((ms) => ms !== 1000), [500, 2000]);

  const refused = clientOf([Response.json({ status: "error", error: 'parse error: "x"' }, { status: 400 })]);
  await assert.rejects(refused.client.instant("a", 0), {
    name: "QueryError",
    status: 400,
    message: 'Cannot query http://host/prometheus/api/v1: status 400: parse error: "x"',
  });
  assert.equal(refused.asked.length, 1);
});

const pages = [["<html>Sign in</html>", 200], ["<!doctype html>", 404]] as const;
for (const [page, status] of pages) {
  test(`a page with status ${status} is an error`, async () => {
    const { client } = clientOf([new Response(page, { status })]);
    await assert.rejects(client.instant("a", 0), /it answers with a page, not with JSON/);
  });
}

test("an error shows no secret that the server repeats", async () => {
  const echo = new Response("token s3cr3t-token is unknown", { status: 403 });
  const { client } = clientOf([echo], { bearerToken: "s3cr3t-token" });
  await assert.rejects(client.instant("a", 0), /status 403: token \*\*\* is unknown/);
});

test("a server that does not answer is an error after the timeout", async () => {
  const { client } = clientOf([], {
    sleep: () => Promise.resolve(),
    fetch: (_, { signal }) =>
      new Promise((_, reject) => {
        const fail = (): void => reject(signal?.reason);
        if (signal?.aborted === true) fail();
        signal?.addEventListener("abort", fail);
      }),
  });
  await assert.rejects(client.instant("a", 0), /it did not answer within 1 s/);
});

test("an answer that never ends is an error, without another attempt", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(8_388_608).fill(32)) });
  const { client, asked } = clientOf([new Response(body)]);
  await assert.rejects(client.instant("a", 0), {
    name: "QueryError",
    message: "Cannot query http://host/prometheus/api/v1: its answer is larger than 128 MiB",
  });
  assert.equal(asked.length, 1);
});

test("values of wrong types in an answer are left out, or not a number", async () => {
  // An object without a string form, and lists that are too deep to become strings.
  const noText = { toString: 1, valueOf: 1 };
  const deep = deepPlace;
  const { client } = clientOf([
    success([{ metric: { a: noText, b: deep, c: "d" }, value: [noText, deep] }, null, 1, { metric: [1], value: 2 }]),
    success([{
      metric: null,
      values: [[1, "2"], [noText, "3"], [1e300, "4"], [2, noText], 5],
      histograms: [[1, deep]],
    }]),
    Response.json({ status: "error", error: noText }, { status: 400 }),
  ]);
  const nothing = { labels: {}, value: NaN };
  assert.deepEqual(await client.instant("a", 0), [{ labels: { c: "d" }, value: NaN }, nothing, nothing, nothing]);
  assert.deepEqual(await client.samples("a[1m]", 0), [{
    labels: {},
    floats: [{ timeMs: 1000, value: 2 }, { timeMs: 2000, value: NaN }],
    histograms: [{ timeMs: 1000, histogram: { count: NaN, sum: NaN, buckets: [] } }],
  }]);
  await assert.rejects(client.instant("a", 0), /Cannot query .*: status 400: \{"status":"error"/);
});

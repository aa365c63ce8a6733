// Runs on the newest Node, too: fetch and the streams of its bodies.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../../../src/k6/sample.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";
import { RemoteWriteOutput } from "../../../mod.ts";
import { instrumentFetch, type InstrumentFetchOptions, urlTemplate } from "../../../src/k6/measure/mod.ts";
import { CapturedSamples } from "../../support/captured_samples.ts";
import { type HttpTarget, type HttpTargetOptions, startHttpTarget } from "../../support/http_target.ts";

interface Scene {
  readonly output: CapturedSamples;
  readonly fetch: ReturnType<typeof instrumentFetch>;
  readonly target: HttpTarget;
}

/** Starts a server and calls `run` with an instrumented fetch. */
async function withTarget(
  run: (scene: Scene) => Promise<void>,
  { server, ...options }: InstrumentFetchOptions & { readonly server?: HttpTargetOptions } = {},
): Promise<void> {
  const target = await startHttpTarget(server);
  const output = new CapturedSamples();
  try {
    await run({ output, fetch: instrumentFetch(output, options), target });
  } finally {
    await target.close();
  }
}

/** Returns a body of three chunks of 4 bytes, and records its reads and its cancellation. */
function threeChunks(): { readonly body: ReadableStream<Uint8Array>; pulls: number; cancelledWith: unknown } {
  const source = {
    pulls: 0,
    cancelledWith: undefined as unknown,
    body: new ReadableStream<Uint8Array>({
      pull(controller): void {
        if (source.pulls++ < 3) controller.enqueue(new Uint8Array(4));
        else controller.close();
      },
      cancel(reason): void {
        source.cancelledWith = reason;
      },
    }, { highWaterMark: 0 }),
  };
  return source;
}

/** Returns an instrumented fetch that responds from memory. */
function responding(respond: () => Response, options: InstrumentFetchOptions = {}): Omit<Scene, "target"> {
  const output = new CapturedSamples();
  const fetch = instrumentFetch(output, { ...options, fetch: () => Promise.resolve(respond()) });
  return { output, fetch };
}

test("a request emits k6's samples with k6's tags and exact durations when its body was read", async () => {
  let clock = 1000;
  let headersSeen = (): void => {};
  const seen = new Promise<void>((resolve) => (headersSeen = resolve));
  // The server advances the clock by 30 ms before the headers and, after the client saw them, by 12 ms within the body.
  const delay = async (ms: number): Promise<void> => {
    if (ms === 12) await seen;
    clock += ms;
  };
  const now = () => 1700000000123;
  await withTarget(async ({ output, fetch, target }) => {
    const url = `${target.url}/bytes/1001?wait=30&pause=12`;
    const response = await fetch(url, { method: "post", body: "häuser" });
    headersSeen();
    assert.deepEqual(output.samples, []);
    assert.equal((await response.text()).length, 1001);
    const tags = { scenario: "buy" };
    const httpTags = { scenario: "buy", method: "POST", name: url, url, status: "200", expected_response: "true" };
    const time = 1700000000123;
    const expected: Sample[] = [
      { metric: k6Metrics.http_reqs, value: 1, time, tags: httpTags },
      { metric: k6Metrics.http_req_duration, value: 42, time, tags: httpTags },
      { metric: k6Metrics.http_req_waiting, value: 30, time, tags: httpTags },
      { metric: k6Metrics.http_req_receiving, value: 12, time, tags: httpTags },
      { metric: k6Metrics.http_req_failed, value: 0, time, tags: httpTags },
      { metric: k6Metrics.data_sent, value: 7, time, tags },
      { metric: k6Metrics.data_received, value: 1001, time, tags },
    ];
    assert.deepEqual(output.samples, expected);
    assert.equal(new Set(output.samples.map(({ tags }) => tags)).size, 2);
  }, { server: { delay }, now, monotonicNow: () => clock, tags: { scenario: "buy" } });
});

test("durations lie between those of the server and those of the caller", () =>
  withTarget(async ({ output, fetch, target }) => {
    const startedAt = performance.now();
    const response = await fetch(`${target.url}/bytes/100000?wait=25&pause=25`);
    const answeredAt = performance.now();
    await response.arrayBuffer();
    const endedAt = performance.now();
    const [server] = target.served;
    assert.ok(server);
    const [duration, waiting, receiving] = ["duration", "waiting", "receiving"].map((part) =>
      output.values(`http_req_${part}`)[0]!
    );
    // The coarsest resolution of performance.now() in a runtime is 1 ms.
    const between = (low: number, value: number | undefined, high: number) =>
      assert.ok(value !== undefined && low - 1 <= value && value <= high + 1, `${low} <= ${value} <= ${high}`);
    between(server.answeredAt - server.receivedAt, waiting, answeredAt - startedAt);
    between(server.endedAt - answeredAt, receiving, endedAt - server.answeredAt);
    between(server.endedAt - server.receivedAt, duration, endedAt - startedAt);
    assert.ok(Math.abs(duration! - waiting! - receiving!) < 1e-6);
  }));

/** Returns a short form of a body, so that a failed comparison is readable. */
function inShort(text: string): string {
  return `${text.length} of ${[...new Set(text)]}`;
}

const readers: Record<string, (response: Response) => Promise<unknown>> = {
  text: async (response) => inShort(await response.text()),
  json: (response) => response.json(),
  bytes: async (response) => inShort(String(await response.bytes())),
  arrayBuffer: async (response) => inShort(String(new Uint8Array(await response.arrayBuffer()))),
  blob: async (response) => {
    const blob = await response.blob();
    return [blob.type, blob.size, inShort(await blob.text())];
  },
  formData: async (response) => [...await response.formData()],
  "for await": async (response) => {
    let size = 0;
    for await (const chunk of response.body!) size += chunk.byteLength;
    return size;
  },
  "a reader with its own buffer": async (response) => {
    const reader = response.body!.getReader({ mode: "byob" });
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(7000));
      if (done) return size;
      size += value.byteLength;
    }
  },
  "pipeThrough()": async (response) =>
    inShort(await new Response(response.body!.pipeThrough(new TransformStream())).text()),
  "tee()": async (response) =>
    (await Promise.all(response.body!.tee().map((branch) => new Response(branch).text()))).map(inShort),
  "a new response": async (response) => inShort(await new Response(response.body, response).text()),
  "body, then text()": async (response) => {
    assert.equal(response.body!.locked, false);
    return inShort(await response.text());
  },
  "clone() and both": async (response) => {
    const copy = response.clone();
    return [copy.url, copy.status, ...(await Promise.all([response.text(), copy.text()])).map(inShort)];
  },
  "clone() and its stream": async (response) => inShort(await new Response(response.clone().body).text()),
  "body, then clone() and both": async (response) => {
    assert.ok(response.body);
    const copy = response.clone();
    return (await Promise.all([response.text(), copy.text()])).map(inShort);
  },
};
const isBun = "Bun" in globalThis;

// On Bun, clones are sometimes empty if `body` was accessed before.
if (isBun) delete readers["body, then clone() and both"];

for (const [how, read] of Object.entries(readers)) {
  test(`a body is complete and its bytes count once when it is read by ${how}`, () =>
    withTarget(async ({ output, fetch, target }) => {
      const [path, size] = how === "json"
        ? ["/json", 16]
        : how === "formData"
        ? ["/form", 7]
        : ["/bytes/100003", 100003];
      // Bun's own bodies are not byte streams.
      const expected = isBun && how === "a reader with its own buffer"
        ? 100003
        : await read(await globalThis.fetch(target.url + path));
      assert.deepEqual(await read(await fetch(target.url + path)), expected);
      assert.deepEqual(output.values("data_received"), [size]);
      assert.deepEqual(output.values("http_reqs"), [1]);
      assert.deepEqual(output.values("http_req_failed"), [0]);
    }));
}

test("a compressed body counts with its decompressed size", () =>
  withTarget(async ({ output, fetch, target }) => {
    assert.equal((await (await fetch(`${target.url}/bytes/5000?gzip=1`)).text()).length, 5000);
    assert.deepEqual(output.values("data_received"), [5000]);
  }));

test("data_sent is the size that the server received, if the size is known before", () =>
  withTarget(async ({ output, fetch, target }) => {
    const bodies = [
      "häuser",
      new TextEncoder().encode("12345"),
      new Uint8Array(9).buffer,
      new DataView(new ArrayBuffer(8), 2, 4),
      new Blob(["ä", "b"]),
      new URLSearchParams({ a: "1 2", ü: "&" }),
      "",
    ];
    for (const body of bodies) {
      await (await fetch(`${target.url}/bytes/1`, { method: "POST", body })).text();
    }
    assert.deepEqual(output.values("data_sent"), target.served.map(({ bodyBytes }) => bodyBytes));
    assert.deepEqual(output.values("data_sent"), [7, 5, 9, 4, 3, 16, 0]);
  }));

test("there is no data_sent if the size is not known", () =>
  withTarget(async ({ output, fetch, target }) => {
    const form = new FormData();
    form.set("a", "1");
    await (await fetch(`${target.url}/bytes/1`, { method: "POST", body: form })).text();
    await (await fetch(new Request(`${target.url}/bytes/1`, { method: "POST", body: "abc" }))).text();
    await (await fetch(`${target.url}/bytes/1`)).text();
    assert.deepEqual(output.values("data_sent"), []);
    assert.deepEqual(output.values("http_reqs"), [1, 1, 1]);
  }));

test("the response is like that of the wrapped fetch", () =>
  withTarget(async ({ fetch, target }) => {
    const facts = async (fetch: typeof globalThis.fetch) => {
      const response = await fetch(`${target.url}/redirect`);
      const { url, redirected, type, status, statusText, ok, bodyUsed } = response;
      const before = { url, redirected, type, status, statusText, ok, bodyUsed };
      const text = response.text();
      return {
        ...before,
        headers: response.headers.get("content-type"),
        isResponse: response instanceof Response,
        usedAtOnce: response.bodyUsed,
        text: await text,
        again: await response.text().catch((error) => error.name),
        cloned: (() => {
          try {
            return response.clone();
          } catch (error) {
            return (error as Error).name;
          }
        })(),
      };
    };
    const plain = await facts(globalThis.fetch);
    assert.deepEqual(await facts(fetch), plain);
    assert.equal(plain.redirected, true);
    assert.equal(plain.usedAtOnce, true);
  }));

test("a redirect is one request with the name of the requested URL", () =>
  withTarget(async ({ output, fetch, target }) => {
    await (await fetch(`${target.url}/redirect`)).text();
    assert.equal(output.tagsOf("http_reqs").url, `${target.url}/redirect`);
    assert.equal(output.tagsOf("http_reqs").status, "200");
    assert.deepEqual(output.values("data_received"), [3]);
  }));

test("a status that a new Response cannot have is kept", () =>
  withTarget(async ({ output, fetch, target }) => {
    const response = await fetch(`${target.url}/bytes/3?status=799`);
    assert.equal(response.status, 799);
    assert.equal(await response.text(), "xxx");
    assert.equal(output.tagsOf("http_reqs").error_code, "1799");
  }));

for (const [method, path, status] of [["GET", "/bytes/0?status=204", "204"], ["HEAD", "/bytes/50", "200"]] as const) {
  test(`without a body, the samples are emitted at once: ${method} ${path}`, () =>
    withTarget(async ({ output, fetch, target }) => {
      const response = await fetch(target.url + path, { method });
      assert.equal(response.body, null);
      assert.equal(output.tagsOf("http_reqs").status, status);
      assert.equal(output.tagsOf("http_reqs").method, method);
      assert.deepEqual(output.values("data_received"), [0]);
      assert.equal(output.values("http_req_duration")[0]! >= output.values("http_req_waiting")[0]!, true);
    }));
}

test("a body is read only as fast as its reader reads, and is not buffered", async () => {
  const source = threeChunks();
  const { output, fetch } = responding(() => new Response(source.body));
  const reader = (await fetch("http://target/")).body!.getReader();
  assert.equal(source.pulls, 0);
  await reader.read();
  assert.equal(source.pulls, 1);
  await reader.read();
  await reader.read();
  assert.equal(source.pulls, 3);
  assert.deepEqual(output.samples, []);
  assert.equal((await reader.read()).done, true);
  assert.deepEqual(output.values("data_received"), [12]);
});

test("a response that is passed on as a new one counts when its receiver reads it, by any method", () =>
  withTarget(async ({ output, fetch, target }) => {
    const response = await fetch(`${target.url}/bytes/1001`);
    const handedOn = new Response(response.body, response);
    // A server of the runtime reads it like this, without the methods of the object.
    const bytes = await Response.prototype.arrayBuffer.call(handedOn);
    assert.deepEqual([handedOn.status, bytes.byteLength], [200, 1001]);
    assert.deepEqual(output.values("data_received"), [1001]);
    assert.deepEqual(output.values("http_reqs"), [1]);
  }));

test("a body that a reader has locked cannot be read by others until the reader releases it", async () => {
  const { output, fetch } = responding(() => new Response(threeChunks().body));
  const response = await fetch("http://target/");
  const reader = response.body!.getReader();
  await assert.rejects(response.text(), { name: "TypeError" });
  assert.deepEqual(output.samples, []);
  reader.releaseLock();
  assert.equal((await response.arrayBuffer()).byteLength, 12);
  assert.deepEqual(output.values("data_received"), [12]);
});

test("empty chunks are skipped", async () => {
  const chunks = [new Uint8Array(0), new Uint8Array(3), new Uint8Array(0)];
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const { output, fetch } = responding(() => new Response(body));
  const sizes = [];
  for await (const chunk of (await fetch("http://target/")).body!) sizes.push(chunk.byteLength);
  assert.deepEqual(sizes, [3]);
  assert.deepEqual(output.values("data_received"), [3]);
});

test("cancelling a body cancels the source; the bytes that were read count, and there is no error", async () => {
  const source = threeChunks();
  const { output, fetch } = responding(() => new Response(source.body));
  const reader = (await fetch("http://target/")).body!.getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.equal(source.cancelledWith, "enough");
  assert.deepEqual(output.values("data_received"), [4]);
  assert.deepEqual(output.values("http_req_failed"), [0]);
  assert.equal(output.tagsOf("http_reqs").error, undefined);
});

test("cancelling a body before it was read cancels the source", async () => {
  const source = threeChunks();
  const { output, fetch } = responding(() => new Response(source.body));
  await (await fetch("http://target/")).body!.cancel("unwanted");
  assert.equal(source.cancelledWith, "unwanted");
  assert.deepEqual(output.values("http_reqs"), [1]);
});

test("a cloned body ends when one reader has read it or all readers have cancelled it", async () => {
  const { output, fetch } = responding(() => new Response(threeChunks().body));
  const response = await fetch("http://target/");
  const copy = response.clone();
  const cancelled = copy.body!.cancel();
  assert.deepEqual(output.samples, []);
  assert.equal((await response.arrayBuffer()).byteLength, 12);
  await cancelled;
  assert.deepEqual(output.values("data_received"), [12]);

  const other = await fetch("http://target/");
  await Promise.all([other.clone().body!.cancel(), other.body!.cancel()]);
  assert.deepEqual(output.values("http_reqs"), [1, 1]);
});

test("settle() ends a request whose body was not read, with the time until the response", async () => {
  let clock = 0;
  const { output, fetch } = responding(() => {
    clock += 30;
    return new Response("12345");
  }, { monotonicNow: () => clock });
  const response = await fetch("http://target/", { method: "POST", body: "abc" });
  clock += 1000;
  assert.deepEqual(output.samples, []);
  fetch.settle();
  assert.deepEqual(output.names(), [
    "http_reqs",
    "http_req_duration",
    "http_req_waiting",
    "http_req_failed",
    "data_sent",
  ]);
  assert.deepEqual(output.values("http_req_duration"), [30]);
  fetch.settle();
  assert.equal(await response.text(), "12345");
  assert.deepEqual(output.values("http_reqs"), [1]);
});

test("with more than ten thousand unread bodies, the oldest request is settled (on one runtime)", async () => {
  const { output, fetch } = responding(() => new Response("1"), { name: ({ url }) => url.pathname });
  const requests = Array.from({ length: 10_001 }, (_, index) => fetch(`http://target/${index}`));
  await Promise.all(requests);
  assert.deepEqual(output.of("http_reqs").map(({ tags }) => tags.name), ["/0"]);
  fetch.settle();
  assert.equal(output.of("http_reqs").length, 10_001);
});

test("an output that throws does not affect the request", async () => {
  const fetch = instrumentFetch({
    add(): void {
      throw new Error("closed");
    },
  }, { fetch: () => Promise.resolve(new Response("12345")) });
  assert.equal(await (await fetch("http://target/")).text(), "12345");
});

test("requests whose bodies were read do not count towards this limit (on one runtime)", async () => {
  const { output, fetch } = responding(() => new Response("1"), { name: ({ url }) => url.pathname });
  await fetch("http://target/late");
  for (let index = 0; index <= 10_000; index++) await (await fetch("http://target/read")).text();
  assert.equal(output.of("http_reqs").some(({ tags }) => tags.name === "/late"), false);
});

for (const status of [400, 404, 429, 500, 503]) {
  test(`the status ${status} is a failure with the error code ${1000 + status}`, () =>
    withTarget(async ({ output, fetch, target }) => {
      await (await fetch(`${target.url}/bytes/1?status=${status}`)).text();
      const tags = output.tagsOf("http_req_failed");
      assert.deepEqual(output.values("http_req_failed"), [1]);
      assert.equal(tags.status, String(status));
      assert.equal(tags.error_code, String(1000 + status));
      assert.equal(tags.expected_response, "false");
      assert.equal("error" in tags, false);
    }));
}

test("expectedStatus decides which requests failed", async () => {
  const statuses: number[] = [];
  const expectedStatus = (status: number): boolean => {
    statuses.push(status);
    return status === 404;
  };
  const answers = [new Response("", { status: 404 }), new Response("", { status: 200 })];
  const { output, fetch } = responding(() => {
    const answer = answers.shift();
    if (!answer) throw new Error("no more");
    return answer;
  }, { expectedStatus });
  await (await fetch("http://target/")).text();
  await (await fetch("http://target/")).text();
  await assert.rejects(fetch("http://target/"));
  assert.deepEqual(output.values("http_req_failed"), [0, 1, 1]);
  assert.deepEqual(output.of("http_req_failed").map(({ tags }) => tags.expected_response), ["true", "false", "false"]);
  assert.deepEqual(statuses, [404, 200, 0]);
});

test("tags contain no user name, password and fragment, and with stripQuery no query", async () => {
  const address = "https://user:secret@target.example:8443/a/b?token=1&b=ü#frag";
  for (
    const [stripQuery, shown] of [
      [false, "https://target.example:8443/a/b?token=1&b=%C3%BC"],
      [true, "https://target.example:8443/a/b"],
    ] as const
  ) {
    const { output, fetch } = responding(() => new Response(null, { status: 204 }), { stripQuery });
    for (const input of [address, new URL(address)]) await fetch(input);
    for (const { tags } of output.of("http_reqs")) assert.deepEqual([tags.url, tags.name], [shown, shown]);
    assert.equal(JSON.stringify(output.samples).includes("secret"), false);
  }
});

test("a name also replaces the URL: from the tags, from a template, or from the options, in this order", async () => {
  const name = ({ method, url }: { method: string; url: URL }) =>
    url.pathname === "/plain" ? undefined : `${method} ${url.pathname.replace(/\d+/, "N")}`;
  const { output, fetch } = responding(() => new Response(null, { status: 204 }), { name });
  await fetch("http://target/item/42?x=1", { method: "delete" });
  await fetch("http://target/plain");
  await fetch(urlTemplate`http://target/item/${42}/${"a"}`);
  await fetch.with({ name: "buy" })(urlTemplate`http://target/item/${42}`);
  const names = ["DELETE /item/N", "http://target/plain", "http://target/item/${}/${}", "buy"];
  assert.deepEqual(output.of("http_reqs").map(({ tags }) => tags.name), names);
  assert.deepEqual(output.of("http_reqs").map(({ tags }) => tags.url), names);
  assert.equal("name" in output.of("data_received")[0]!.tags, false);
});

test("a template makes the complete URL, and its name contains no user name and password", async () => {
  const seen: string[] = [];
  const output = new CapturedSamples();
  const fetch = instrumentFetch(output, {
    name: "unused",
    fetch: (input) => {
      seen.push(String(input));
      return Promise.resolve(new Response(null, { status: 204 }));
    },
  });
  const base = "http://target/v1";
  await fetch(urlTemplate`${base}/item/${7}?q=${"x"}`);
  await fetch(urlTemplate`http://user:pw@target/${1}@2`);
  assert.deepEqual(seen, ["http://target/v1/item/7?q=x", "http://user:pw@target/1@2"]);
  assert.deepEqual(output.of("http_reqs").map(({ tags }) => tags.name), ["${}/item/${}?q=${}", "http://target/${}@2"]);
});

test("tags come from the options or from a function of the request, and with() adds tags", async () => {
  const answer = () => new Response(null, { status: 204 });
  const fixed = responding(answer, { tags: { scenario: "buy", team: "a" } });
  await fixed.fetch("http://target/");
  await fixed.fetch.with({ team: "b" }).with({ group: "::home" })("http://target/");
  assert.deepEqual(fixed.output.of("data_received").map(({ tags }) => tags), [
    { scenario: "buy", team: "a" },
    { scenario: "buy", team: "b", group: "::home" },
  ]);
  const counted = responding(answer, { tags: ({ method, url }) => ({ verb: method, host: url.host }) });
  await counted.fetch("http://target/", { method: "put" });
  await counted.fetch.with({ verb: "own" })("http://target/");
  assert.deepEqual(counted.output.of("data_received").map(({ tags }) => tags), [
    { verb: "PUT", host: "target" },
    { verb: "own", host: "target" },
  ]);
});

test("settle() also ends the requests of fetches that with() made", async () => {
  const { output, fetch } = responding(() => new Response("1"));
  await fetch.with({ group: "::a" })("http://target/");
  fetch.settle();
  assert.deepEqual(output.values("http_reqs"), [1]);
});

test("the method and the URL come from a Request, and the second argument can replace the method", async () => {
  const { output, fetch } = responding(() => new Response(null, { status: 204 }));
  const request = new Request("http://target/a", { method: "PUT", body: "x" });
  await fetch(request);
  await fetch(request, { method: "PATCH" });
  assert.deepEqual(output.of("http_reqs").map(({ tags }) => [tags.method, tags.url]), [
    ["PUT", "http://target/a"],
    ["PATCH", "http://target/a"],
  ]);
});

test("an invalid URL emits no samples and throws the runtime's own error", async () => {
  const output = new CapturedSamples();
  await assert.rejects(instrumentFetch(output)("http://"), { name: "TypeError" });
  assert.deepEqual(output.samples, []);
});

test("an instrumented fetch may wrap another one, and both emit samples", () =>
  withTarget(async ({ output, fetch, target }) => {
    const outer = new CapturedSamples();
    const outerFetch = instrumentFetch(outer, { fetch });
    for (const how of ["text", "for await", "clone() and both"]) {
      await readers[how]!(await outerFetch(`${target.url}/bytes/10`));
    }
    assert.deepEqual(output.values("data_received"), [10, 10, 10]);
    assert.deepEqual(outer.values("data_received"), [10, 10, 10]);
  }));

test("a response whose status allows a body but that has none keeps its null body", async () => {
  const { output, fetch } = responding(() => new Response(null));
  const response = await fetch("http://target/");
  assert.equal(response.body, null);
  assert.equal(await response.text(), "");
  assert.deepEqual(output.values("data_received"), [0]);
});

test("the instrumented fetch may replace the global one, and the output's own requests are not measured", async () => {
  const original = globalThis.fetch;
  const asked: string[] = [];
  globalThis.fetch = (input) => {
    asked.push(String(input));
    const headers = { "X-Prometheus-Remote-Write-Samples-Written": "100" };
    return Promise.resolve(new Response(null, { status: 204, headers }));
  };
  try {
    const output = new RemoteWriteOutput({ url: "http://endpoint/api/v1/write" });
    globalThis.fetch = instrumentFetch(output);
    await globalThis.fetch("http://target/");
    await output.flush();
    await output.close();
    assert.deepEqual(asked, ["http://target/", "http://endpoint/api/v1/write"]);
    // http_reqs, http_req_duration, _waiting, _receiving, http_req_failed and data_received of the one request.
    assert.equal(output.stats.samplesIn, 6);
  } finally {
    globalThis.fetch = original;
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { LivePage } from "../../../src/cli/live/live_page.ts";
import { LiveStore } from "../../../src/cli/live/live_store.ts";

const access = { allowHosts: ["127.0.0.1"] };

function makePage(): { readonly page: LivePage; readonly store: LiveStore } {
  const store = new LiveStore({ retentionMs: 60_000, maxBytes: 1e7 });
  store.add([{ labels: [{ name: "__name__", value: "a" }], samples: [{ value: 1, timestamp: 1000 }] }]);
  return { store, page: new LivePage(store, { title: "t", fromStart: true, access, now: () => 5000 }) };
}

const get = (url: string, headers: Record<string, string> = {}): Request => new Request(url, { headers });

/** Returns the events that arrive until one has a name. */
async function eventsUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  last: string,
): Promise<[string, unknown][]> {
  const events: [string, unknown][] = [];
  let text = "";
  while (!events.some(([name]) => name === last)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
    for (const [, name = "", data = ""] of text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) {
      events.push([name, JSON.parse(data)]);
    }
    text = "";
  }
  return events;
}

test("the page has a strict policy: only its own script and style, and only its own server", async () => {
  const { page } = makePage();
  try {
    const response = await page.handle(get("http://127.0.0.1:1/"));
    assert.equal(response?.status, 200);
    const policy = response.headers.get("Content-Security-Policy") ?? "";
    assert.match(
      policy,
      /^default-src 'none'; script-src 'sha256-[\w+/]+='; style-src 'sha256-[\w+/]+='; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
    const html = await response.text();
    assert.ok(html.length < 150_000, `${html.length} bytes`);
    assert.doesNotMatch(html, /\s(?:src|href)="(?!data:|#)/);
  } finally {
    page.close();
  }
});

test("requests for another host, from another site and for other paths get nothing", async () => {
  const { page } = makePage();
  try {
    assert.equal((await page.handle(get("http://evil.test/")))?.status, 403);
    assert.equal((await page.handle(get("http://evil.test/api/live")))?.status, 403);
    assert.equal(
      (await page.handle(get("http://127.0.0.1/api/live", { "Sec-Fetch-Site": "cross-site" })))?.status,
      403,
    );
    assert.equal(await page.handle(get("http://127.0.0.1/api/v1/write")), undefined);
    assert.equal(await page.handle(new Request("http://127.0.0.1/", { method: "POST", body: "" })), undefined);
  } finally {
    page.close();
  }
});

test("a stream begins with everything, continues with what is new, and says when the command ends", async () => {
  const { page, store } = makePage();
  const response = await page.handle(get("http://127.0.0.1/api/live"));
  assert.equal(response?.headers.get("Content-Type"), "text/event-stream; charset=utf-8");
  const reader = response?.body?.getReader();
  assert.ok(reader);
  const first = await eventsUntil(reader, "tick");
  assert.deepEqual(first.map(([name]) => name), ["hello", "chunk", "tick"]);
  const copy = new LiveStore(store.limits);
  for (const [name, data] of first) if (name === "chunk") copy.apply(Object(data));
  store.add([{ labels: [{ name: "__name__", value: "a" }], samples: [{ value: 2, timestamp: 2000 }] }]);
  page.close();
  const rest = await eventsUntil(reader, "end");
  assert.deepEqual(rest.map(([name]) => name), ["chunk", "tick", "end"]);
  for (const [name, data] of rest) if (name === "chunk") copy.apply(Object(data));
  assert.deepEqual([...copy.series.values()].map(({ values, length }) => [...values.subarray(0, length)]), [[1, 2]]);
  assert.equal((await reader.read()).done, true);
});

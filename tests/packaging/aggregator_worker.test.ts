/**
 * The aggregator on Cloudflare, in workerd with storage on disk.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { AggregatorStore } from "../../src/gateway/mod.ts";
import { bodyOf, float } from "../support/aggregator.ts";
import { testStore } from "../support/aggregator_stores.ts";
import { noPrometheus, startPrometheus } from "../support/prometheus.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";
import { headersV2 } from "../support/requests.ts";
import { type RunningWorker, startWorker } from "../support/workerd.ts";

const root = process.cwd();

function workerOf(
  folder: string,
  contents: string,
  vars: Readonly<Record<string, string>> = {},
): Promise<RunningWorker> {
  return startWorker("", {
    folder,
    compatibilityDate: "2026-11-01",
    vars,
    durableObjects: { AGGREGATOR: "Aggregator" },
    bundle: { stdin: { contents, resolveDir: root } },
  });
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-worker-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An object whose store can be used from outside. */
const storeWorker = `
  import { durableObject } from "./src/gateway/mod.ts";
  export class Aggregator {
    constructor(state) {
      this.store = durableObject(state.storage);
    }
    async fetch(request) {
      const records = (await request.json()).map((text) => new TextEncoder().encode(text));
      const { pathname } = new URL(request.url);
      if (pathname === "/append") await this.store.append(records[0]);
      if (pathname === "/replace") await this.store.replace(records);
      const all = [];
      if (pathname === "/read") for await (const record of this.store.read()) all.push(new TextDecoder().decode(record));
      return Response.json(all);
    }
  }
  export default {
    fetch: (request, { AGGREGATOR }) => AGGREGATOR.get(AGGREGATOR.idFromName("store")).fetch(request),
  };
`;

testStore("durableObject", () => {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-worker-"));
  let worker: RunningWorker | undefined;
  const stop = async (): Promise<void> => {
    await worker?.stop();
    worker = undefined;
  };
  const call = async (path: string, records: readonly Uint8Array[]): Promise<readonly string[]> => {
    const body = JSON.stringify(records.map((record) => new TextDecoder().decode(record)));
    const response = await fetch(`${worker?.url}/${path}`, { method: "POST", body });
    assert.equal(response.status, 200);
    return await response.json();
  };
  const store: AggregatorStore = {
    async *read() {
      for (const text of await call("read", [])) yield new TextEncoder().encode(text);
    },
    append: async (record) => void await call("append", [record]),
    replace: async (snapshot) => void await call("replace", [...snapshot]),
    close: () => Promise.resolve(),
  };
  return Promise.resolve({
    open: async () => {
      worker = await workerOf(folder, storeWorker);
      return store;
    },
    crash: stop,
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  });
});

test("the page about edge counters shows the example that runs in workerd", async () => {
  const page = readFileSync("docs/edge_counters.md", "utf8");
  const [source, toml] = ["worker.ts", "wrangler.toml"].map((name) => {
    const text = readFileSync(`tests/examples/cloudflare_aggregator/${name}`, "utf8");
    assert.ok(page.includes(`\n${text}\`\`\`\n`), `the page does not show ${name} as it is`);
    return text;
  });
  assert.ok(source !== undefined && toml !== undefined);
  const setting = (name: string): string => new RegExp(`^${name} = "(.*)"$`, "m").exec(toml)?.[1] ?? "";
  const target = await startReceiver();
  try {
    await withFolder(async (folder) => {
      const worker = await startWorker("", {
        folder,
        compatibilityDate: setting("compatibility_date"),
        vars: { REMOTE_WRITE_URL: target.url, TOKEN: "open sesame" },
        durableObjects: { AGGREGATOR: setting("class_name") },
        bundle: {
          stdin: {
            contents: source.replace("k6-remote-write/gateway", "./src/gateway/mod.ts"),
            resolveDir: root,
            loader: "ts",
          },
        },
      });
      const body = bodyOf([float("hits_total", { instance: "a" }, { value: 1, timestamp: Date.now() })]);
      assert.deepEqual(await post(worker.url, body), [204, ""]);
      assert.equal((await post(worker.url, body, { token: "x" }))[0], 401);
      await worker.stop();
    });
  } finally {
    await target.close();
  }
});

/** The aggregator as a user configures it, with a clock that the test sets and a request that fires the alarm. */
const aggregatorWorker = `
  import { cloudflareAggregator } from "./src/gateway/mod.ts";
  let nowMs;
  const { Aggregator: Plain, worker } = cloudflareAggregator((env) => ({
    namespace: env.AGGREGATOR,
    token: "open sesame",
    url: env.URL,
    protocol: env.PROTOCOL,
    objects: Number(env.OBJECTS),
    intervalMs: Number(env.INTERVAL_MS),
    now: () => nowMs ?? Date.now(),
  }));
  export class Aggregator extends Plain {
    async fetch(request) {
      if (new URL(request.url).pathname !== "/alarm") return await super.fetch(request);
      await this.alarm();
      return new Response("done");
    }
  }
  export default {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      if (searchParams.has("now")) nowMs = Number(searchParams.get("now"));
      if (pathname !== "/alarm") return await worker.fetch(request, env);
      for (let index = 0; index < Number(env.OBJECTS); index++) {
        const id = env.AGGREGATOR.idFromName("aggregator-" + index);
        await (await env.AGGREGATOR.get(id).fetch("http://object/alarm")).text();
      }
      return new Response("done");
    },
  };
`;

function startAggregatorWorker(
  folder: string,
  { url, objects = 1, intervalMs = 3_600_000, protocol = "2.0" }: {
    readonly url: string;
    readonly objects?: number;
    readonly intervalMs?: number;
    readonly protocol?: "1.0" | "2.0";
  },
): Promise<RunningWorker> {
  const vars = { URL: url, OBJECTS: `${objects}`, INTERVAL_MS: `${intervalMs}`, PROTOCOL: protocol };
  return workerOf(folder, aggregatorWorker, vars);
}

/** Posts a body; returns the status and what was said. */
async function post(
  url: string,
  body: Uint8Array<ArrayBuffer>,
  { nowMs, token = "open sesame" }: { readonly nowMs?: number; readonly token?: string } = {},
): Promise<readonly [status: number, text: string]> {
  const response = await fetch(`${url}/api/v1/write${nowMs === undefined ? "" : `?now=${nowMs}`}`, {
    method: "POST",
    headers: { ...headersV2, Authorization: `Bearer ${token}` },
    body,
  });
  return [response.status, await response.text()];
}

test("in workerd, the alarm of a Durable Object sends the sums, also after kill -9, and only a token opens it", async () => {
  const target = await startReceiver();
  try {
    await withFolder(async (folder) => {
      const now = Date.now();
      const hits = (instance: string, value: number, at = now): Uint8Array<ArrayBuffer> =>
        bodyOf([float("hits_total", { instance }, { value, timestamp: at })]);
      const options = { url: target.url, intervalMs: 300 };
      const first = await startAggregatorWorker(folder, options);
      for (const token of ["", "open sesam", "open sesame!"]) {
        const [status, text] = await post(first.url, hits("x", 100), { token });
        assert.deepEqual([status, text], [401, "Cannot accept the request: the token is missing or wrong\n"]);
      }
      assert.deepEqual(await post(first.url, hits("a", 1)), [204, ""]);
      assert.deepEqual(await post(first.url, hits("b", 2)), [204, ""]);
      await target.arrived(2);
      assert.deepEqual(await post(first.url, hits("c", 4)), [204, ""]);
      await first.stop();
      // The request that was answered before the end, and its repetition, count once.
      const second = await startAggregatorWorker(folder, options);
      assert.deepEqual(await post(second.url, hits("c", 4)), [204, ""]);
      await target.arrived(target.samples.length + 2);
      await second.stop();
      assert.deepEqual([...lastValues(target.writes)], [["hits_total{}", 7]]);
    });
  } finally {
    await target.close();
  }
});

test("several Durable Objects share the series, and the Worker answers what they answer", async () => {
  const target = await startReceiver();
  try {
    await withFolder(async (folder) => {
      const worker = await startAggregatorWorker(folder, { url: target.url, objects: 3 });
      const timestamp = Date.now();
      const series = Array.from({ length: 40 }, (_, path) => `${path}`).flatMap((path) =>
        ["a", "b"].map((instance) => float("hits_total", { instance, path }, { value: 2, timestamp }))
      );
      assert.deepEqual(await post(worker.url, bodyOf(series)), [204, ""]);
      // The same in another order, and one that is refused.
      const late = float("hits_total", { instance: "new" }, { value: 1, timestamp: timestamp - 10_000_000 });
      const [status, text] = await post(worker.url, bodyOf([late, ...series.toReversed()]));
      assert.deepEqual([status, text.includes("its sender is not known")], [400, true]);
      await (await fetch(`${worker.url}/alarm`)).text();
      await worker.stop();
      const totals = [...lastValues(target.writes)].filter(([, value]) => value > 0);
      assert.deepEqual([totals.length, new Set(totals.map(([, value]) => value))], [40, new Set([4])]);
      // Each object sends its own series.
      assert.equal(target.writes.filter(({ timeSeries }) => timeSeries[0]?.samples?.[0]?.value === 4).length, 3);
    });
  } finally {
    await target.close();
  }
});

test(
  "200 isolates with 1 to 3 requests each: increase() in Prometheus is right, and totals are exact after kill -9 and repetitions",
  {
    skip: noPrometheus,
  },
  async () => {
    const prometheus = await startPrometheus();
    try {
      await withFolder(async (folder) => {
        const options = { url: prometheus.writeUrl, protocol: "1.0" } as const;
        let worker = await startAggregatorWorker(folder, options);
        const minutes = 10;
        const start = Date.now() - minutes * 60_000;
        // Pseudo-random numbers, so that each run of the test is the same.
        let seed = 1;
        const random = (): number => (seed = seed * 16807 % 2147483647) / 2147483647;
        const events = Array.from({ length: 200 }, (_, isolate) => {
          const firstMs = start + random() * (minutes - 2) * 60_000;
          return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => ({
            timeMs: Math.round(firstMs + index * 10_000 * (1 + random())),
            instance: `isolate-${isolate}`,
            value: index + 1,
          }));
        }).flat().sort((a, b) => a.timeMs - b.timeMs);
        const bodies = events.map(({ instance, value, timeMs }) =>
          bodyOf([float("hits_total", { instance, job: "edge" }, { value, timestamp: timeMs })])
        );
        let at = 0;
        let kills = 0;
        for (let now = start; now <= start + minutes * 60_000; now += 15_000) {
          for (; (events[at]?.timeMs ?? Infinity) <= now; at++) {
            const body = bodies[at];
            assert.ok(body !== undefined);
            const nowMs = events[at]?.timeMs;
            assert.deepEqual(await post(worker.url, body, { nowMs }), [204, ""]);
            // Every second one is delivered twice, and every fifth one comes again later.
            if (at % 2 === 0) assert.deepEqual(await post(worker.url, body, { nowMs }), [204, ""]);
            const earlier = bodies[at - 7];
            if (at % 5 === 0 && earlier !== undefined) await post(worker.url, earlier, { nowMs });
            if (at % 90 !== 45) continue;
            await worker.stop();
            worker = await startAggregatorWorker(folder, options);
            kills++;
          }
          await (await fetch(`${worker.url}/alarm?now=${now}`)).text();
        }
        await worker.stop();
        const end = start + minutes * 60_000;
        const truth = events.length;
        const value = async (expression: string, timeMs: number): Promise<number> =>
          Number((await prometheus.query(expression, timeMs))[0]?.value[1]);
        assert.ok(kills >= 3);
        assert.equal(await value("hits_total", end), truth);
        const increase = await value(`sum(increase(hits_total[${minutes + 2}m]))`, end);
        assert.ok(Math.abs(increase - truth) <= 0.02 * truth, `increase() is ${increase}, expected ${truth}`);
      });
    } finally {
      await prometheus.close();
    }
  },
);

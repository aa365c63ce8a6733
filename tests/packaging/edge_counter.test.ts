// The examples of docs/edge.md count requests on each platform, and the aggregator gets every count.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { serve, type Server } from "../../src/cli/http_server.ts";
import { type AggregatorSetting, startAggregator } from "../support/aggregator.ts";
import { startChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";
import { type RunningWorker, startWorker } from "../support/workerd.ts";

const examples = ["worker.ts", "wrangler.toml", "each_request.ts", "deno_deploy.ts", "vercel_route.ts"];

/** The newest release of wrangler that runs on Node 20, 4.86.0, refuses a later date when it starts a Worker (`wrangler dev`). */
const newestDateOnNode20 = "2026-05-03";

let project: InstalledPackage;
before(async () => {
  project = await installPackage();
  cpSync("tests/examples/edge_counter", `${project.folder}/edge`, { recursive: true });
});
after(() => project.remove());

const wrangler = readFileSync("tests/examples/edge_counter/wrangler.toml", "utf8");
const compatibilityDate = /^compatibility_date = "(.*)"$/m.exec(wrangler)?.[1] ?? "";

interface Counters extends AggregatorSetting {
  readonly url: string;
  readonly address: string;
  /** The requests that the aggregator got. */
  readonly requests: readonly Request[];
  close(): Promise<void>;
}

/** Starts an aggregator behind a server. The first requests get the answers in `first` instead of the aggregator's. */
async function startCounters({ first = [] }: { readonly first?: readonly number[] } = {}): Promise<Counters> {
  const setting = startAggregator({ now: Date.now });
  const requests: Request[] = [];
  const answers = [...first];
  const server: Server = await serve(async (request) => {
    requests.push(request);
    const status = answers.shift();
    if (status !== undefined) {
      await request.arrayBuffer();
      return new Response("busy", { status });
    }
    return await setting.aggregator.handle(request);
  }, { host: "127.0.0.1", port: 0 });
  const { host, origin } = new URL(server.url);
  const url = `${origin}/api/v1/write`;
  return { ...setting, requests, address: host, url, close: () => server.close() };
}

async function withCounters(
  use: (counters: Counters) => Promise<void>,
  options?: { readonly first?: readonly number[] },
): Promise<void> {
  const counters = await startCounters(options);
  try {
    await use(counters);
  } finally {
    await counters.close();
  }
}

/** Resolves when the sum of all series is `expected`; it must never be more. */
async function waitForTotal({ totals }: Counters, expected: number): Promise<ReadonlyMap<string, number>> {
  const limit = performance.now() + 30_000;
  for (;;) {
    const series = await totals();
    const total = [...series.values()].reduce((sum, value) => sum + value, 0);
    assert.ok(total <= expected, `${total} requests were counted, expected ${expected}`);
    if (total === expected) return series;
    assert.ok(performance.now() < limit, `${total} requests were counted after 30 s, expected ${expected}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Sends requests, `atOnce` at a time. */
async function request(url: string, times: number, atOnce = 8): Promise<void> {
  let left = times;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left-- > 0) await (await fetch(url)).text();
  }));
}

/** Starts an isolate of the Worker with a flush. */
function startIsolate(name: string, { address }: Pick<Counters, "address">): Promise<RunningWorker> {
  const folder = `${project.folder}/${name}`;
  cpSync(`${project.folder}/edge`, folder, { recursive: true });
  return startWorker("worker.ts", { folder, compatibilityDate, vars: { TOKEN: "t" }, services: { COUNTERS: address } });
}

test("docs/edge.md shows the examples that are run here, and is one page", () => {
  const page = readFileSync("docs/edge.md", "utf8");
  for (const example of examples) {
    const text = readFileSync(`tests/examples/edge_counter/${example}`, "utf8");
    assert.ok(page.includes(`\n${text}\`\`\`\n`), `docs/edge.md does not show ${example} as it is`);
  }
});

test("every compatibility date is one that wrangler on Node 20 and on Node 24 knows", () => {
  for (const example of ["edge_counter", "cloudflare_aggregator"]) {
    const toml = readFileSync(`tests/examples/${example}/wrangler.toml`, "utf8");
    const date = /^compatibility_date = "(\d{4}-\d\d-\d\d)"$/m.exec(toml)?.[1] ?? "none";
    assert.ok(date <= newestDateOnNode20, `${example}: ${date}`);
  }
});

test("in workerd, no request is lost: bursts, pauses, several isolates and a busy aggregator", async () => {
  await withCounters(async (counters) => {
    const workers = await Promise.all(["a", "b"].map((name) => startIsolate(name, counters)));
    try {
      const [first, second] = workers;
      assert.ok(first !== undefined && second !== undefined);
      await Promise.all([request(first.url, 100), request(second.url, 100)]);
      // One request alone, after the flush, and a burst while the flush is waiting.
      await waitForTotal(counters, 200);
      await request(first.url, 1);
      await request(first.url, 50);
      await request(`${second.url}/missing`, 30);
      const totals = await waitForTotal(counters, 281);
      assert.deepEqual([...totals].sort(), [
        ['worker_requests_total{status="200"}', 251],
        ['worker_requests_total{status="404"}', 30],
      ]);
      // A second has one flush, not one for each request.
      assert.ok(counters.requests.length < 40, `${counters.requests.length} pushes for 281 requests`);
      assert.equal(counters.requests.at(-1)?.headers.get("authorization"), "Bearer t");
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  }, { first: [503, 503, 503] });
});

test("in workerd, a push for each request loses none, even if all requests come within one millisecond", async () => {
  await withCounters(async (counters) => {
    const worker = await startWorker("", {
      folder: `${project.folder}/edge`,
      compatibilityDate,
      vars: { TOKEN: "t" },
      services: { COUNTERS: counters.address },
      bundle: {
        stdin: {
          contents: `Date.now = () => ${Date.now()}; export { default } from "./each_request.ts";`,
          resolveDir: `${project.folder}/edge`,
        },
      },
    });
    try {
      await request(worker.url, 60, 20);
      await waitForTotal(counters, 60);
    } finally {
      await worker.stop();
    }
  });
});

test("in workerd, the counts go through the service binding to the aggregator's Worker, and from there to the endpoint", async () => {
  const endpoint = await startReceiver();
  const folder = `${project.folder}/aggregator`;
  const source = readFileSync("tests/examples/cloudflare_aggregator/worker.ts", "utf8");
  mkdirSync(folder);
  writeFileSync(`${folder}/worker.ts`, source.replace("15_000", "200"));
  const aggregator = await startWorker("worker.ts", {
    folder,
    compatibilityDate,
    vars: { REMOTE_WRITE_URL: endpoint.url, TOKEN: "t" },
    durableObjects: { AGGREGATOR: "Aggregator" },
  });
  const worker = await startIsolate("c", { address: new URL(aggregator.url).host });
  try {
    await request(worker.url, 30);
    const series = 'worker_requests_total{status="200"}';
    for (let samples = 1; lastValues(endpoint.writes).get(series) !== 30; samples++) await endpoint.arrived(samples);
  } finally {
    await worker.stop();
    await aggregator.stop();
    await endpoint.close();
  }
});

test("the server for Deno Deploy sends its last count when it is stopped", async () => {
  await withCounters(async (counters) => {
    const permissions = ["--no-prompt", "--allow-net", "--allow-env"];
    // examples.test.ts checks its types.
    const flags = ["--node-modules-dir=manual", "--no-check", ...permissions];
    const command = [programs.deno, "run", ...flags, "edge/deno_deploy.ts"];
    const env = { COUNTERS_URL: counters.url, TOKEN: "t", HOST: "127.0.0.1", PORT: "0" };
    const { child, result, said } = startChild(command, { cwd: project.folder, env });
    try {
      const url = await said(/http:\/\/\S+/);
      await request(url, 25);
      await waitForTotal(counters, 25);
      await request(url, 3);
      process.kill(child.pid ?? NaN, "SIGTERM");
      const { status, output } = await result;
      assert.equal(status, 0, output);
      await waitForTotal(counters, 28);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

test("the route for Vercel flushes after its answers, in an edge runtime", async () => {
  await withCounters(async (counters) => {
    const folder = `${project.folder}/vercel`;
    mkdirSync(`${folder}/node_modules/@vercel/functions`, { recursive: true });
    // As the package does, without its other functions.
    writeFileSync(
      `${folder}/node_modules/@vercel/functions/index.js`,
      `export const waitUntil = (promise) => globalThis[Symbol.for("@vercel/request-context")].get().waitUntil(promise);`,
    );
    cpSync(`${project.folder}/edge/vercel_route.ts`, `${folder}/route.ts`);
    const worker = await startWorker("", {
      folder,
      compatibilityDate,
      conditions: ["edge-light", "import"],
      bundle: {
        stdin: {
          contents: `import { GET } from "./route.ts"; export default {
            fetch(_, env, context) {
              globalThis[Symbol.for("@vercel/request-context")] = { get: () => context };
              return GET();
            },
          };`,
          resolveDir: folder,
        },
        define: { "process.env.COUNTERS_URL": JSON.stringify(counters.url), "process.env.TOKEN": '"t"' },
      },
    });
    try {
      await request(worker.url, 40);
      await waitForTotal(counters, 40);
      assert.ok(counters.requests.length < 20, `${counters.requests.length} pushes for 40 requests`);
    } finally {
      await worker.stop();
    }
  });
});

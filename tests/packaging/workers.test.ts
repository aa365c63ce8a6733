import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DeliveryError, RemoteWriteClient, type TimeSeries } from "../../mod.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { postV1 } from "../support/requests.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";
import { type RunningWorker, startWorker } from "../support/workerd.ts";

let project: InstalledPackage;
before(async () => {
  project = await installPackage();
});
after(() => project.remove());

/** Starts a Worker with this source. */
function workerOf(
  contents: string,
  vars: Readonly<Record<string, string>> = {},
  compatibilityDate = "2026-11-01",
): Promise<RunningWorker> {
  return startWorker("", {
    folder: project.folder,
    compatibilityDate,
    vars,
    bundle: { stdin: { contents, resolveDir: project.folder } },
  });
}

function up(timestamp: number, value = timestamp): TimeSeries {
  return { labels: [{ name: "__name__", value: "up" }], samples: [{ value, timestamp }] };
}

test("in workerd, a strict receiver is the fetch handler of a Worker, for both versions", async () => {
  const worker = await workerOf(`
    import { createReceiver, strictRules } from "k6-remote-write/receiver";
    const values = [];
    const receive = createReceiver({
      strict: strictRules(),
      onWrite({ timeSeries }) {
        for (const { samples = [] } of timeSeries) values.push(...samples.map(({ value }) => value));
      },
    });
    export default {
      fetch: (request) => new URL(request.url).pathname === "/values" ? Response.json(values) : receive(request),
    };
  `);
  try {
    const write = async (protocol: "1.0" | "2.0", series: TimeSeries): Promise<number> => {
      const client = new RemoteWriteClient({ url: `${worker.url}/write`, protocol, onWarning: () => {} });
      return (await client.write([series])).delivered;
    };
    assert.deepEqual([await write("1.0", up(1)), await write("2.0", up(2))], [1, 1]);
    // The receiver remembers earlier samples as long as the isolate lives.
    await assert.rejects(write("2.0", up(1, 9)), (error) => {
      assert.ok(error instanceof DeliveryError);
      assert.match(error.message, /requestOrder: a sample is at 1, expected one after 2/);
      return true;
    });
    const { headers } = postV1({});
    const garbage = await fetch(`${worker.url}/write`, { method: "POST", headers, body: "hello" });
    assert.deepEqual([garbage.status, (await garbage.text()).includes("expected a snappy block")], [400, true]);
    assert.deepEqual(await (await fetch(`${worker.url}/values`)).json(), [1, 2]);
  } finally {
    await worker.stop();
  }
});

test("a forwarder in a Worker forwards what it receives", async () => {
  const target = await startReceiver();
  const worker = await workerOf(
    `
    import { RemoteWriteForwarder } from "k6-remote-write/gateway";
    import { strictRules } from "k6-remote-write/receiver";
    export default {
      async fetch(request, env, context) {
        // One forwarder for each request, because a request cannot wait for the fetch of another one.
        const receiver = { strict: strictRules(), cors: true };
        const forwarder = new RemoteWriteForwarder({ url: env.URL, receiver });
        const response = await forwarder.handle(request);
        context.waitUntil(forwarder.close());
        return response;
      },
    };
  `,
    { URL: target.url },
  );
  try {
    const client = new RemoteWriteClient({ url: `${worker.url}/write` });
    assert.equal((await client.write([up(1)])).delivered, 1);
    assert.equal((await client.write([up(2)])).delivered, 1);
    await target.arrived(2);
    assert.deepEqual([...lastValues(target.writes)], [["up{}", 2]]);
  } finally {
    await worker.stop();
    await target.close();
  }
});

for (const compatibilityDate of ["2025-06-01", "2026-11-01"]) {
  test(`requests of a Worker that share an output end with the right totals (compatibility date ${compatibilityDate})`, async () => {
    const target = await startReceiver();
    const worker = await workerOf(
      `
      import { RemoteWriteOutput } from "k6-remote-write";
      let url = "";
      // Created outside of requests, as its state outlives them.
      const output = new RemoteWriteOutput({
        url: "http://receiver.test/api/v1/write",
        timeoutMs: 2000,
        fetch: (_, init) => fetch(url, init),
      });
      const metric = { name: "hits", type: "counter", contains: "default" };
      export default {
        async fetch(request, env, context) {
          url = env.URL;
          output.add({ metric, time: Date.now(), value: 1, tags: {} });
          const flushed = output.flush();
          context.waitUntil(flushed);
          const { pathname } = new URL(request.url);
          // The answer ends the request: waitUntil() keeps it alive. One request waits for its report.
          return Response.json(pathname === "/report" ? await flushed : {});
        },
      };
    `,
      { URL: target.url },
      compatibilityDate,
    );
    try {
      const hits = (): number | undefined => lastValues(target.writes).get("k6_hits_total{}");
      await Promise.all(Array.from({ length: 8 }, () => fetch(worker.url).then((response) => response.text())));
      for (let request = 0; request < 5; request++) await (await fetch(worker.url)).text();
      const report = await (await fetch(`${worker.url}/report`)).json();
      assert.deepEqual([report.samples, report.delivered], [1, 1]);
      assert.equal(hits(), 14);
    } finally {
      await worker.stop();
      await target.close();
    }
  });

  test(`close() in a Worker ends in time although the request of a flush was cancelled (compatibility date ${compatibilityDate})`, async () => {
    const target = await startReceiver();
    const worker = await workerOf(
      `
      import { RemoteWriteOutput } from "k6-remote-write";
      let url = "";
      let isSlow = false;
      const output = new RemoteWriteOutput({
        url: "http://receiver.test/api/v1/write",
        closeTimeoutMs: 1000,
        onWarning() {},
        // The answer to the request that is cancelled never comes.
        fetch: (_, init) => isSlow ? fetch(url + "?slow", init).then(() => new Promise(() => {})) : fetch(url, init),
      });
      const metric = { name: "hits", type: "counter", contains: "default" };
      export default {
        async fetch(request, env) {
          url = env.URL;
          isSlow = new URL(request.url).pathname === "/cancelled";
          output.add({ metric, time: Date.now(), value: 1, tags: {} });
          if (!isSlow) return Response.json(await output.close());
          void output.flush();
          // Without waitUntil(), the runtime cancels what the request began.
          return new Response("not awaited");
        },
      };
    `,
      { URL: target.url },
      compatibilityDate,
    );
    try {
      await (await fetch(`${worker.url}/cancelled`)).text();
      const started = performance.now();
      const { delivered, samples } = await (await fetch(worker.url, { signal: AbortSignal.timeout(20_000) })).json();
      // A busy machine is late.
      assert.ok(performance.now() - started < 15_000, `it took ${performance.now() - started} ms`);
      assert.ok(delivered < samples);
    } finally {
      await worker.stop();
      await target.close();
    }
  });

  test(`a Worker's flush takes over the flush of a request that was cancelled (compatibility date ${compatibilityDate})`, async () => {
    const target = await startReceiver();
    const worker = await workerOf(
      `
      import { RemoteWriteOutput } from "k6-remote-write";
      let url = "";
      let isSlow = false;
      const warnings = [];
      const output = new RemoteWriteOutput({
        url: "http://receiver.test/api/v1/write",
        timeoutMs: 1000,
        onWarning: (message) => warnings.push(message),
        // The answer to the request that is cancelled never comes.
        fetch: (_, init) => isSlow ? fetch(url + "?slow", init).then(() => new Promise(() => {})) : fetch(url, init),
      });
      const metric = { name: "hits", type: "counter", contains: "default" };
      export default {
        async fetch(request, env, context) {
          url = env.URL;
          isSlow = new URL(request.url).pathname === "/cancelled";
          output.add({ metric, time: Date.now(), value: 1, tags: {} });
          const flushed = output.flush();
          // Without waitUntil(), the runtime cancels what the request began.
          if (isSlow) return new Response("not awaited");
          return Response.json({ report: await flushed, warnings });
        },
      };
    `,
      { URL: target.url },
      compatibilityDate,
    );
    try {
      await (await fetch(worker.url)).text();
      await (await fetch(`${worker.url}/cancelled`)).text();
      const { report, warnings } = await (await fetch(worker.url)).json();
      assert.equal(report.delivered, 1);
      assert.equal(lastValues(target.writes).get("k6_hits_total{}"), 3);
      assert.equal(warnings.length, 1, JSON.stringify(warnings));
      const again = await (await fetch(worker.url)).json();
      assert.deepEqual([again.report.delivered, again.warnings.length], [1, 1]);
    } finally {
      await worker.stop();
      await target.close();
    }
  });
}

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
function workerOf(contents: string, vars: Readonly<Record<string, string>> = {}): Promise<RunningWorker> {
  return startWorker("", {
    folder: project.folder,
    compatibilityDate: "2026-11-01",
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

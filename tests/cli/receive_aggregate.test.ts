import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { float } from "../support/aggregator.ts";
import { type RunningCli, startCli, usageErrorOf } from "../support/cli.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";

async function urlOf(running: RunningCli): Promise<string> {
  return /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
}

test("receive --aggregate adds up the senders, sends the sums at the interval, and knows them after kill -9", async () => {
  const target = await startReceiver();
  try {
    await withFolder(async (folder) => {
      const start = (): RunningCli =>
        startCli([
          ...["receive", "--port", "0", "--aggregate", "--without", "instance,pod", "--interval", "200ms"],
          ...["--state", `${folder}/state`, "--forward", target.url],
        ]);
      const send = async (url: string, instance: string, value: number, timestamp: number): Promise<void> => {
        const client = new RemoteWriteClient({ url });
        await client.write([
          float("hits_total", { instance, pod: `p-${instance}`, job: "edge" }, { value, timestamp }),
        ]);
      };
      const now = Date.now();
      const first = start();
      const url = await urlOf(first);
      await send(url, "a", 3, now);
      await send(url, "b", 4, now);
      first.signal("SIGKILL");
      await first.ended;
      const second = start();
      const newUrl = await urlOf(second);
      // The sums of the first process are sent although no sender has come yet: the zero, and at least one sum.
      await target.arrived(2);
      await send(newUrl, "a", 3, now);
      await send(newUrl, "a", 5, now + 1);
      second.signal("SIGTERM");
      const { code, stderr } = await second.ended;
      assert.equal(code, 0, stderr);
      assert.deepEqual([...lastValues(target.writes)], [['hits_total{job="edge"}', 9]]);
      assert.deepEqual(target.samples.slice(0, 1).map(({ value }) => value), [0]);
    });
  } finally {
    await target.close();
  }
});

test("the flags of the aggregation need each other, and the folder must be usable", async () => {
  await withFolder(async (folder) => {
    writeFileSync(`${folder}/file`, "");
    const forward = ["--forward", "http://localhost:9090/api/v1/write"];
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["--aggregate"], /Cannot use --aggregate: the sums are not sent, expected also --forward URL/],
      [["--interval", "5s", ...forward], /Cannot use --interval: nothing is added up, expected also --aggregate/],
      [["--aggregate", "--without", "le", ...forward], /Cannot use the option without: it is \["le"\]/],
      [["--aggregate", "--port", "0", "--state", `${folder}/file`, ...forward], /Cannot use the folder of --state: /],
    ];
    await Promise.all(
      cases.map(async ([args, message]) => assert.match(await usageErrorOf(["receive", ...args]), message)),
    );
  });
});

test("two processes cannot use one folder of --state", () =>
  withFolder(async (folder) => {
    const args = ["receive", "--port", "0", "--aggregate", "--state", folder, "--forward", "http://127.0.0.1:9/"];
    const first = startCli(args);
    await urlOf(first);
    assert.match(await usageErrorOf(args), /Cannot use the folder of --state: process \d+ uses it/);
    first.signal("SIGTERM");
    await first.ended;
    assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith(".lock")), []);
  }));

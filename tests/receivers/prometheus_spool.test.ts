// Runs on one runtime: what Prometheus stores depends on the requests only. Other tests use the files of the spool on each runtime.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readBatch } from "../../src/protocol/stored_batch.ts";
import { SpoolLog } from "../../src/send/spool_log.ts";
import { startCli } from "../support/cli.ts";
import { MemorySpool } from "../support/memory_spool.ts";
import { Random } from "../support/mutate.ts";
import { noPrometheus, startPrometheus } from "../support/prometheus.ts";
import { postV1 } from "../support/requests.ts";
import { isDeep } from "../support/runs.ts";
import { freePort } from "../support/server_process.ts";
import { withFolder } from "../support/temporary_folder.ts";

const kills = isDeep ? 50 : 6;

/** A server in front of another one, which can be down. */
interface Proxy {
  isDown: boolean;
  readonly url: string;
  close(): void;
}

async function startProxy(target: string): Promise<Proxy> {
  const port = await freePort();
  const proxy = { isDown: false, url: `http://127.0.0.1:${port}/api/v1/write`, close: () => void server.close() };
  const server = createServer((incoming, outgoing) => {
    const chunks: Uint8Array[] = [];
    incoming.on("error", () => {});
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", () => {
      if (proxy.isDown) return void outgoing.writeHead(503).end();
      const headers = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
        /^(?:content-(?:type|encoding)|x-)/.test(name) ? [[name, String(value)]] : []
      );
      void fetch(target, { method: "POST", headers, body: Buffer.concat(chunks) })
        .then(async (response) => void outgoing.writeHead(response.status).end(await response.text()));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return proxy;
}

test(
  `a forwarder that is killed ${kills} times, often in an outage, loses nothing that it accepted`,
  { skip: noPrometheus },
  () =>
    withFolder(async (folder) => {
      const random = new Random(20261128);
      const start = Date.now() - 600_000;
      const names = ["a", "b", "c", "twice"];
      const expected = new Map<string, (readonly [number, number])[]>(names.map((name) => [name, []]));
      const prometheus = await startPrometheus();
      const proxy = await startProxy(prometheus.writeUrl);
      const port = await freePort();
      let stops = false;
      let accepted = 0;
      /** Sends windows, each until it is accepted, as a sender does that loses nothing. */
      const sendAll = async (): Promise<void> => {
        for (let window = 0; !stops; window++) {
          const time = start + window * 100;
          const timeseries = names.map((name) => ({
            labels: [{ name: "__name__", value: "spooled_total" }, { name: "name", value: name }],
            samples: (name === "twice" ? [time, time + 50] : [time])
              .map((timestamp) => ({ value: random.below(1000), timestamp: BigInt(timestamp) })),
          }));
          for (const [index, { samples }] of timeseries.entries()) {
            for (const { value, timestamp } of samples) {
              expected.get(names[index] ?? "")?.push([Number(timestamp), value]);
            }
          }
          for (let status = 0; status !== 204;) {
            const request = postV1({ timeseries }, { url: `http://127.0.0.1:${port}/api/v1/write` });
            const response = await fetch(request).catch(() => undefined);
            await response?.body?.cancel();
            status = response?.status ?? 0;
            await delay(5);
          }
          accepted++;
        }
      };
      const command = [
        ...["receive", "--port", String(port), "--forward", proxy.url, "--spool", join(folder, "spool")],
        ...["--close-timeout", "20s", "--quiet"],
      ];
      const sending = sendAll();
      try {
        for (let kill = 0; kill < kills; kill++) {
          // The last process leaves something, too. Every second one before it is killed at any time, also before it accepts anything.
          const isLast = kill === kills - 1;
          const least = isLast ? 2 : kill % 2;
          proxy.isDown = isLast || random.below(3) > 0;
          const running = startCli(command);
          await running.printed("Receiving at");
          const before = accepted;
          do await delay(random.below(200)); while (accepted < before + least);
          running.signal("SIGKILL");
          assert.equal((await running.ended).code, "SIGKILL");
        }
        proxy.isDown = false;
        const last = startCli(command.slice(0, -1));
        await last.printed("Receiving at");
        stops = true;
        await sending;
        last.signal("SIGTERM");
        const { stderr } = await last.ended;
        assert.match(stderr, /Found [\d,]+ samples? of an earlier run in ".*": they are sent first/);
        assert.match(
          stderr,
          /[\d,]+ samples? of an earlier run were delivered|1 sample of an earlier run was delivered/,
        );
        const stored = await prometheus.samples("spooled_total", Date.now());
        const byName = new Map(stored.map(({ labels, samples }) => [labels.name, samples]));
        for (const [name, samples] of expected) assert.deepEqual(byName.get(name), samples, `${name}\n${stderr}`);
        assert.ok((expected.get("a")?.length ?? 0) >= Math.floor(kills / 2), "too few windows");
      } finally {
        stops = true;
        proxy.close();
        await prometheus.close();
      }
    }),
);

/** Returns the largest value that the files of a spool hold; -1 if there is none. */
function largestIn(folder: string): number {
  const store = new MemorySpool();
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".spool")) : [];
  for (const name of names) store.files.set(name.slice(0, 10), new Uint8Array(readFileSync(join(folder, name))));
  const log = new SpoolLog(store, { segmentBytes: Infinity });
  const values = log.recovered.flatMap((record) => {
    const { values, length } = readBatch(log.read(record) ?? new Uint8Array());
    return [...values.subarray(0, length)];
  });
  return Math.max(-1, ...values);
}

test(
  `a pipe that is killed ${kills} times, often in an outage, loses no window that it had taken`,
  { skip: noPrometheus },
  () =>
    withFolder(async (folder) => {
      const random = new Random(20261129);
      const start = Date.now() - 600_000;
      const spool = join(folder, "spool");
      const prometheus = await startPrometheus();
      const proxy = await startProxy(prometheus.writeUrl);
      const command = ["-", "--mapping", "raw", "--flush-period", "20ms", "--url", proxy.url, "--spool", spool];
      const lines = (from: number, count: number): string =>
        Array.from({ length: count }, (_, index) => {
          const value = from + index;
          const data = { time: new Date(start + 10 * value).toISOString(), value, tags: {} };
          return `${JSON.stringify({ metric: "vus", type: "Point", data })}\n`;
        }).join("");
      const stored = async (): Promise<readonly (readonly [number, number])[]> =>
        (await prometheus.samples("k6_vus", Date.now()))[0]?.samples ?? [];
      let next = 0;
      let outages = 0;
      try {
        for (let kill = 0; kill < kills; kill++) {
          proxy.isDown = kill === kills - 1 || random.below(3) > 0;
          if (proxy.isDown) outages++;
          const before = next;
          const running = startCli(command, { keepOpen: true });
          running.child.stdin?.on("error", () => {});
          const untilMs = Date.now() + random.below(400);
          // A process that has ended by itself stores nothing more.
          const hasEnded = (): boolean => running.child.exitCode !== null || running.child.signalCode !== null;
          while (!hasEnded() && (Date.now() < untilMs || largestIn(spool) < before)) {
            running.child.stdin?.write(lines(next, 3));
            next += 3;
            await delay(random.below(20));
            if (!proxy.isDown && Date.now() >= untilMs) break;
          }
          if (!hasEnded()) running.signal("SIGKILL");
          const { code, stderr } = await running.ended;
          assert.equal(code, "SIGKILL", stderr);
          // What it had not taken yet comes again, as the input of the next process.
          next = Math.max(largestIn(spool), (await stored()).at(-1)?.[1] ?? -1) + 1;
        }
        proxy.isDown = false;
        const { code, stderr } = await startCli(command, { input: lines(next, 10) }).ended;
        assert.equal(code, 0, stderr);
        assert.match(stderr, /earlier {2}[\d,]+ samples? of an earlier run w(?:as|ere) delivered/);
        // A process is killed at any time, but in an outage only after it has stored something.
        assert.ok(next >= outages, `only ${next} samples in ${outages} outages`);
        const all = Array.from({ length: next + 10 }, (_, value) => [start + 10 * value, value]);
        assert.deepEqual(await stored(), all, stderr);
      } finally {
        proxy.close();
        await prometheus.close();
      }
    }),
);

// Runs on one runtime: what vmagent stores depends on the requests only.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "../../src/cli/http_server.ts";
import { createReceiver, type ReceivedWrite } from "../../src/receive/mod.ts";
import { freePort, startServer } from "../support/server_process.ts";
import { withFolder } from "../support/temporary_folder.ts";

const program = process.env.VMAGENT_BIN ?? "vmagent";
const skip = spawnSync(program, ["-version"]).error === undefined
  ? false
  : "there is no vmagent on this machine (Debian package victoria-metrics)";

test(
  "what a real vmagent scrapes arrives: it uses snappy after the 415 to zstd",
  { skip },
  () =>
    withFolder(async (folder) => {
      const encodings = new Set<string>();
      let onArrived = (_value: number): void => {};
      const arrived = new Promise<number>((resolve) => onArrived = resolve);
      const onWrite = ({ timeSeries }: ReceivedWrite): void => {
        const named = timeSeries.find(({ labels }) => labels.some(({ value }) => value === "answer"));
        const value = named?.samples?.[0]?.value;
        if (value !== undefined) onArrived(value);
      };
      const receive = createReceiver({ onWrite });
      const server = await serve((request) => {
        encodings.add(request.headers.get("Content-Encoding") ?? "");
        return receive(request);
      }, { host: "127.0.0.1", port: 0 });
      const target = createServer((_, response) => response.end("# TYPE answer gauge\nanswer 42\n"));
      await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
      const { port } = target.address() as AddressInfo;
      const config = join(folder, "scrape.yml");
      writeFileSync(
        config,
        `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: t, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`,
      );
      const own = await freePort();
      const vmagent = await startServer({
        program,
        args: [
          `-promscrape.config=${config}`,
          `-remoteWrite.url=${server.url}/api/v1/write`,
          `-remoteWrite.tmpDataPath=${join(folder, "queue")}`,
          `-httpListenAddr=127.0.0.1:${own}`,
        ],
        readyUrl: `http://127.0.0.1:${own}/health`,
      });
      try {
        assert.equal(await arrived, 42);
        assert.ok(encodings.has("snappy"), [...encodings].join());
      } finally {
        await vmagent.kill();
        target.closeAllConnections();
        target.close();
        await server.close();
      }
    }),
);

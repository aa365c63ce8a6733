/** A signal ends the command at any moment: two signals at the latest, whatever it does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type CliOptions, point, startCli } from "../support/cli.ts";
import { Random } from "../support/mutate.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { isDeep } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Long enough for a busy machine; the work of each command takes far longer. */
const limitMs = 15_000;

interface Work extends CliOptions {
  readonly args: readonly string[];
}

/** Returns commands that are busy, or wait, for longer than the limit. */
function works(folder: string, url: string): Readonly<Record<string, Work>> {
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  // Each of these bytes becomes a thousand, on one line: 20 GB.
  const bomb = write("bomb.json.gz", Buffer.concat(Array(2000).fill(gzipSync(Buffer.alloc(10_000_000)))));
  const tags = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`t${index}`, "value"]));
  const wide = JSON.stringify({
    metric: "http_reqs",
    type: "Point",
    data: { time: "2026-11-22T11:19:49Z", value: 1, tags },
  });
  const lines = write("lines.json", `${wide}\n`.repeat(500));
  const plain = write("plain.json", point(1));
  const fifo = join(folder, "fifo");
  if (process.platform !== "win32") spawnSync("mkfifo", [fifo]);
  const to = ["--url", url];
  return {
    "decompresses": { args: [bomb, ...to] },
    "reads twice": { args: [bomb, "--shift-to-now", ...to] },
    "hashes": { args: [bomb, lines, lines, "--checkpoint", join(folder, "state"), ...to] },
    "parses": { args: [lines, "--max-series", "1", ...to] },
    "waits for an endpoint that hangs": { args: [plain, ...to] },
    "waits for standard input": { args: ["-", ...to], input: point(1), keepOpen: true },
    "waits for a file": { args: ["--follow", join(folder, "nowhere.json"), ...to] },
    "waits for the writer of a FIFO": { args: [fifo, ...to] },
    "waits for requests": { args: ["receive", "--port", "0"] },
  };
}

const random = new Random(20261128);

test("two signals end the command at any moment", () =>
  withFolder(async (folder) => {
    const hanging = await startReceiver({ around: () => {} });
    try {
      for (const [work, [title, { args, ...options }]] of Object.entries(works(folder, hanging.url)).entries()) {
        const moments = Array.from({ length: isDeep ? 3 : 1 }, (_, index) => index * 500 + random.below(500));
        await Promise.all(moments.map(async (moment, index) => {
          const running = startCli(args.map((arg) => arg.endsWith("state") ? `${arg}${index}` : arg), options);
          await new Promise((resolve) => setTimeout(resolve, moment));
          const signalled = performance.now();
          const { code, stderr } = await running.insist((work + index) % 2 === 1 ? "SIGINT" : "SIGTERM");
          const took = performance.now() - signalled;
          assert.ok(took < limitMs, `a command that ${title} took ${Math.round(took)} ms to end`);
          assert.ok([0, 1, 130, 143, "SIGINT", "SIGTERM"].includes(code), `${title}: ${code} ${stderr}`);
        }));
      }
    } finally {
      await hanging.close();
    }
  }));

test("a token file that is a FIFO is read once, so that no request waits for its writer", {
  skip: process.platform === "win32" && "no FIFO",
}, () =>
  withFolder(async (folder) => {
    const fifo = join(folder, "token");
    spawnSync("mkfifo", [fifo]);
    const server = await startReceiver();
    try {
      const running = startCli(["-", "--replay", "--bearer-token-file", fifo, "--url", server.url], {
        input: point(1) + point(2),
      });
      writeFileSync(fifo, "the-token\n");
      const { code, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.deepEqual(server.requests.map(({ headers }) => headers.get("authorization")), [
        ...server.requests.map(() => "Bearer the-token"),
      ]);
    } finally {
      await server.close();
    }
  }));

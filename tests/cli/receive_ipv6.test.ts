import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { startCli, usageErrorOf } from "../support/cli.ts";

/** Listens on the loopback address of IPv6; resolves with undefined if this machine has none. */
function occupyPort(): Promise<{ readonly port: number; close(): void } | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(undefined));
    server.listen(0, "::1", () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close: () => server.close(),
      });
    });
  });
}

/** Resolves with what a server answers to a request without the header Host. */
function answerOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "::1", () => socket.end("GET /api/v1/write HTTP/1.0\r\n\r\n"));
    socket.on("data", (chunk) => answer += chunk.toString()).on("end", () => resolve(answer)).on("error", reject);
  });
}

test("receive --host takes an IPv6 address, also in brackets, and prints a URL that works", async (context) => {
  const occupied = await occupyPort();
  if (occupied === undefined) return context.skip("this machine has no IPv6");
  try {
    assert.match(
      await usageErrorOf(["receive", "--host", "::1", "--port", String(occupied.port)]),
      new RegExp(`^Cannot listen on \\[::1\\]:${occupied.port}: `),
    );
  } finally {
    occupied.close();
  }
  for (const host of ["::1", "[::1]"]) {
    const running = startCli(["receive", "--host", host, "--port", "0"]);
    const [, url = "", port] = /Receiving at (http:\/\/\[::1\]:(\d+)\/api\/v1\/write)\n/.exec(
      await running.printed("/api/v1/write\n"),
    ) ?? [];
    const labels = [{ name: "__name__", value: "up" }];
    await new RemoteWriteClient({ url, protocol: "1.0" }).write([{ labels, samples: [{ value: 1, timestamp: 1 }] }]);
    assert.match(await answerOf(Number(port)), /^HTTP\/1\.1 (?:200|404|405) /);
    running.signal("SIGTERM");
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    assert.match(stdout, /up/);
  }
});

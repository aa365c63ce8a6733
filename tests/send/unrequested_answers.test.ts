// Runs on the newest Node, too: sockets on which fetch gets answers that it did not ask for.
/**
 * Answers that no request asked for, on real sockets, with the fetch of the runtime and that of the command.
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createTlsFetch } from "../../src/cli/tls_fetch.ts";
import { basicAuthorizer } from "../../src/send/auth/basic.ts";
import type { RequestResult } from "../../src/send/request_result.ts";
import { send } from "../support/sending.ts";

const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

const fetches: readonly (readonly [name: string, fetch: typeof globalThis.fetch])[] = [
  ["the runtime", globalThis.fetch],
  ["the command", createTlsFetch({}, () => undefined)],
];

/** Answers each request with the next string, which may depend on the server's host, and calls a function with that host and the heads of the requests. */
async function withAnswers(
  answers: readonly (string | ((host: string) => string))[],
  use: (host: string, heads: readonly string[]) => Promise<void>,
): Promise<void> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  let host = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const end = received.indexOf("\r\n\r\n") + 4;
      const length = Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
      if (end < 4 || received.length < end + length) return;
      const answer = answers[heads.length] ?? "";
      socket.write(typeof answer === "string" ? answer : answer(host));
      heads.push(received.slice(0, end));
      received = received.slice(end + length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  host = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  try {
    await use(host, heads);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n";
const isWritten = { kind: "written", status: 204, written: undefined, attempts: 1, unknownBefore: false } as const;
const isRejected = { kind: "rejected", status: undefined, written: undefined, attempts: 1 } as const;

/** What Node's fetch makes of 100 Continue: it drops the connection, so the sender cannot know what the endpoint stored. */
const isStopped: RequestResult = {
  ...isRejected,
  reason: "the endpoint answers 100 Continue, which no request asked for, and this runtime's fetch stops there",
  unknownBefore: true,
};
const hasSwitched: RequestResult = {
  ...isRejected,
  reason: "the endpoint answers 101 Switching Protocols, which no request asked for",
  unknownBefore: false,
};

for (const [name, fetch] of fetches) {
  test(`100, 102 and 103 come before the answer, with the fetch of ${name}`, async () => {
    for (const first of ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </a>"]) {
      await withAnswers([`HTTP/1.1 ${first}\r\n\r\n${noContent}`], async (host, heads) => {
        const isRefused = isNode && name === "the runtime" && first.startsWith("100");
        assert.deepEqual(await send({ fetch, url: `http://${host}/` }), isRefused ? isStopped : isWritten);
        assert.equal(heads.length, 1);
      });
    }
  });

  test(`101 is a refusal that no retry changes, with the fetch of ${name}`, async () => {
    const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
    for (const answer of [head, head + noContent]) {
      await withAnswers([answer], async (host) => {
        assert.deepEqual(await send({ fetch, url: `http://${host}/` }), hasSwitched);
      });
    }
  });

  test(`a redirect to the same origin may repeat the user info of the URL, with the fetch of ${name}`, async () => {
    const moved = (host: string): string =>
      `HTTP/1.1 307 X\r\nContent-Length: 0\r\nLocation: http://ann:hunter2@${host}/new\r\n\r\n`;
    await withAnswers([moved, noContent], async (host, heads) => {
      const authorizer = basicAuthorizer({ user: "ann", password: "hunter2" });
      assert.deepEqual(await send({ fetch, url: `http://ann:hunter2@${host}/`, authorizer }), isWritten);
      assert.deepEqual(heads.map((head) => head.split(" HTTP")[0]), ["POST /", "POST /new"]);
      for (const head of heads) assert.match(head, new RegExp(`^authorization: Basic ${btoa("ann:hunter2")}\r$`, "im"));
    });
  });
}

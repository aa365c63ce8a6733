// Runs on the newest Node, too: the HTTP server and its connections.
import assert from "node:assert/strict";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { serve, type ServeOptions, type Server } from "../../src/cli/http_server.ts";
import { createReceiver } from "../../src/receive/mod.ts";
import { makeCertificates } from "../support/certificates.ts";

const receive = createReceiver({
  onWrite: () => {},
  bodyTimeoutMs: 100,
  allowHosts: ["127.0.0.1"],
  maxBodyBytes: 1000,
});

/** Calls a function with a server of a receiver. */
async function withServer(
  use: (server: Server, open: () => Socket) => Promise<void>,
  options: Partial<ServeOptions> = {},
): Promise<void> {
  const server = await serve(receive, { host: "127.0.0.1", port: 0, ...options });
  const sockets: Socket[] = [];
  const open = (): Socket => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    return socket;
  };
  try {
    await use(server, open);
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.close();
  }
}

/** Resolves with everything that arrives until the server closes the connection. */
async function answerOf(socket: Socket): Promise<string> {
  let answer = "";
  socket.on("data", (chunk) => answer += String(chunk));
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return answer;
}

const head = (more: string, path = "/", host = "127.0.0.1"): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Encoding: snappy\r\n${more}\r\n\r\n`;

test("a slow body gets 408, a large one 413, and both connections end", () =>
  withServer(async (_, open) => {
    const slow = open();
    slow.write(`${head("Content-Length: 100")}abc`);
    assert.match(await answerOf(slow), /^HTTP\/1\.1 408 [^]*connection: close[^]*did not arrive within 0\.1 s/i);
    const large = open();
    large.write(`${head("Transfer-Encoding: chunked")}7d0\r\n${"x".repeat(2000)}\r\n`);
    assert.match(await answerOf(large), /^HTTP\/1\.1 413 [^]*it is 2000 bytes or more, expected at most 1000/);
  }));

test("a path cannot replace the host that the handler checks", () =>
  withServer(async (_, open) => {
    for (const path of ["//127.0.0.1/api", "http://127.0.0.1/", "/\\\\127.0.0.1"]) {
      const socket = open();
      socket.write(head("Content-Length: 0\r\nConnection: close", path, "evil.test"));
      assert.match(await answerOf(socket), /^HTTP\/1\.1 (?:403 [^]*evil\.test|400 )/, path);
    }
  }));

test("connections beyond the limit are closed, and those that send no request, too", () =>
  withServer(async (_, open) => {
    const started = performance.now();
    const closed = [];
    for (let index = 0; index < 3; index++) {
      const socket = open();
      closed.push(answerOf(socket).then((answer) => ({ answer, afterMs: performance.now() - started })));
      // The beginning of a request, because Bun shows a connection only then.
      socket.write("POST / HTTP/1.1\r\n");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [first, second, third] = await Promise.all(closed);
    assert.deepEqual([first?.answer, second?.answer, third?.answer], ["", "", ""]);
    const least = Math.min(first?.afterMs ?? 0, second?.afterMs ?? 0);
    assert.ok(least >= 1990 && (third?.afterMs ?? Infinity) < least, JSON.stringify([first, second, third]));
  }, { maxConnections: 2, idleTimeoutMs: 2000 }));

test("a client that goes away within a body or before the answer leaves no error", () =>
  withServer(async (server, open) => {
    for (let index = 0; index < 20; index++) {
      const socket = open();
      socket.write(`${head("Content-Length: 100")}abc`, () => socket.destroy());
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
    const response = await fetch(server.url, { method: "GET" });
    assert.equal(response.status, 405);
    await response.body?.cancel();
  }));

test("with a certificate, the server speaks HTTPS", async () => {
  const certificates = makeCertificates();
  try {
    const { cert, key, ca } = certificates.server;
    await withServer(async (server) => {
      assert.match(server.url, /^https:/);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const headers = { Host: "127.0.0.1" };
        request(server.url, { method: "POST", ca, headers, agent: false }, (message) => {
          message.resume();
          resolve(message.statusCode);
        }).on("error", reject).end("x");
      });
      assert.equal(status, 400);
    }, { tls: { cert, key } });
  } finally {
    certificates.remove();
  }
});

const isBun = process.versions.bun !== undefined;

test("connections that begin no TLS count as connections, and do not delay the end", async () => {
  const certificates = makeCertificates();
  try {
    const { cert, key } = certificates.server;
    let started = 0;
    await withServer(async (server, open) => {
      const sockets = Array.from({ length: 10 }, open);
      // Bun shows a connection only after its handshake.
      if (!isBun) {
        let closed = 0;
        await new Promise<void>((resolve) => {
          for (const socket of sockets) socket.on("close", () => ++closed === 6 && resolve());
        });
      }
      sockets[0]?.write(Uint8Array.of(0x16, 3, 1));
      started = performance.now();
      await server.close();
      assert.ok(performance.now() - started < 5000, "an open connection delays the end");
    }, { tls: { cert, key }, maxConnections: 4 });
  } finally {
    certificates.remove();
  }
});

test("events are sent as they come, and the stream is cancelled when the client goes away or the server closes", async () => {
  const cancelled: string[] = [];
  const handler = (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent++ === 0) return controller.enqueue(new TextEncoder().encode("event: first\ndata: {}\n\n"));
        // The next event never comes.
        return new Promise(() => {});
      },
      cancel: () => void cancelled.push(pathname),
    }, { highWaterMark: 0 });
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
  };
  const server = await serve(handler, { host: "127.0.0.1", port: 0 });
  const open = (path: string): Socket => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    return socket;
  };
  const received = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      let text = "";
      socket.on("data", (chunk) => (text += String(chunk)).includes("event: first") && resolve());
    });
  const leaves = open("/leaves");
  const stays = open("/stays");
  await Promise.all([received(leaves), received(stays)]);
  leaves.destroy();
  while (cancelled.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(cancelled, ["/leaves"]);
  await server.close();
  while (cancelled.length === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(cancelled, ["/leaves", "/stays"]);
});

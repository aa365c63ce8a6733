/**
 * An HTTP or HTTPS server for a handler of web-standard requests. It bounds its connections and the time of idle ones, because
 * anyone who reaches it may open them.
 *
 * @module
 */
import { withBrackets } from "./host_name.ts";
import { builtin } from "./runtime.ts";

/** An HTTP or HTTPS server that listens. */
export interface Server {
  readonly url: string;
  /** Resolves when all connections are closed, after a second at the latest. */
  close(): Promise<void>;
}

/** Where a server listens, and its limits. */
export interface ServeOptions {
  /** An IP address or a name. */
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** The certificate and the private key in PEM form, to serve HTTPS. @default HTTP */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** The number of connections; the server closes further ones at once. @default no limit */
  readonly maxConnections?: number;
  /** How long a connection may be open without a request, in milliseconds. @default 60000 */
  readonly idleTimeoutMs?: number;
}

/** A client that still sends gets this time to read the response, in milliseconds. */
const lingerMs = 1000;

/** How long a client may take to begin an encrypted connection, in milliseconds. */
const handshakeMs = 10_000;

/** Connections that the runtime does not show end with the process: Bun shows those of TLS only after their handshake. */
const closeMs = 1000;

type Incoming = InstanceType<ReturnType<typeof builtin<"node:http">>["IncomingMessage"]>;
type Outgoing = InstanceType<ReturnType<typeof builtin<"node:http">>["ServerResponse"]>;
type Socket = Incoming["socket"];

/** Serves a handler. Rejects if the server cannot listen. */
export function serve(
  handler: (request: Request) => Promise<Response>,
  { host, port, tls, maxConnections = Infinity, idleTimeoutMs = 60_000 }: ServeOptions,
): Promise<Server> {
  const { setTimeout, clearTimeout } = builtin("node:timers");
  /** All connections, with TLS also those before their handshake. */
  const connections = new Set<Socket>();
  /** The timer of each connection without a request. */
  const timers = new Map<Socket, ReturnType<typeof setTimeout> | undefined>();
  const wait = (socket: Socket): void => {
    if (timers.has(socket)) timers.set(socket, setTimeout(() => socket.destroy(), idleTimeoutMs));
  };
  // The handler limits the time of a body, in the same way on every runtime.
  const options = { requestTimeout: 0, handshakeTimeout: handshakeMs };
  const server = tls === undefined
    ? builtin("node:http").createServer(options)
    : builtin("node:https").createServer({ ...options, ...tls });
  server.on("request", (incoming, outgoing) => {
    const { socket } = incoming;
    clearTimeout(timers.get(socket));
    // A client that goes away is no problem of the server.
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    outgoing.on("finish", () => wait(socket));
    Promise.resolve()
      .then(() => handler(toRequest(incoming, { host, scheme: tls === undefined ? "http" : "https" })))
      .catch(() =>
        // The Host header makes no URL, or a web-standard request cannot have the method, such as TRACE.
        new Response("Cannot read the request\n", { status: 400, headers: { Connection: "close" } })
      )
      .then(async (response) => {
        if (response.body !== null && response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
          outgoing.writeHead(response.status, Object.fromEntries(response.headers));
          return await sendEvents(response.body.getReader(), outgoing);
        }
        const content = new Uint8Array(await response.arrayBuffer());
        const headers = Object.fromEntries(response.headers);
        if (!incoming.complete) {
          headers.connection = "close";
          // Closing the connection now would discard bytes that the client has not read yet.
          incoming.resume();
          setTimeout(() => socket.destroy(), lingerMs).unref?.();
        }
        outgoing.writeHead(response.status, headers).end(content);
      })
      .catch(() => void outgoing.destroy());
  });
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {});
    if (connections.size >= maxConnections) return void socket.destroy();
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    if (socket.destroyed) return;
    timers.set(socket, undefined);
    wait(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timers.get(socket));
      timers.delete(socket);
    });
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve({
        url: `${tls === undefined ? "http" : "https"}://${withBrackets(host)}:${bound}`,
        close: () =>
          new Promise((closed) => {
            const timer = setTimeout(closed, closeMs);
            server.close(() => {
              clearTimeout(timer);
              closed();
            });
            server.closeAllConnections();
            for (const socket of [...timers.keys(), ...connections]) socket.destroy();
          }),
      });
    });
  });
}

/** Sends a body as it comes, until it ends or the client goes away. */
async function sendEvents(reader: ReadableStreamDefaultReader<Uint8Array>, outgoing: Outgoing): Promise<void> {
  const closed = new Promise<void>((resolve) => void outgoing.on("close", resolve));
  let isOpen = true;
  void closed.then(() => {
    isOpen = false;
    return reader.cancel();
  }).catch(() => {});
  for (let read = await reader.read(); isOpen && !read.done; read = await reader.read()) {
    if (outgoing.write(read.value)) continue;
    await Promise.race([closed, new Promise<void>((resolve) => void outgoing.once("drain", resolve))]);
  }
  outgoing.end();
}

function toRequest(
  incoming: Incoming,
  { host, scheme }: { readonly host: string; readonly scheme: string },
): Request {
  const { method = "GET", url = "/", headers: { host: authority = withBrackets(host) } } = incoming;
  const headers = new Headers();
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? "", incoming.rawHeaders[index + 1] ?? "");
  }
  const body = method === "GET" || method === "HEAD" ? null : toStream(incoming);
  const init: RequestInit & { duplex: "half" } = { method, headers, body, duplex: "half" };
  // Joined as strings: a path that begins with `//` must not replace the host, which the handler may check.
  return new Request(new URL(`${scheme}://${authority}${url.startsWith("/") ? url : "/"}`), init);
}

/** Returns the body. A handler that cancels it must still be able to answer, so this does not end the connection. */
function toStream(incoming: Incoming): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      // Copy the chunk: Node's buffers are views of a pool, and some consumers transfer the whole pool.
      else controller.enqueue(new Uint8Array(value));
    },
    cancel(): void {
      // Not awaited: the iterator may wait for a chunk that never comes.
      void iterator.return?.();
    },
  }, { highWaterMark: 0 });
}

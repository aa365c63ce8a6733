/**
 * An HTTP proxy on loopback: tunnels for CONNECT, and absolute URLs. It takes every host for this machine.
 */
import { connect, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** What a proxy requires and how it answers. */
export interface HttpProxyOptions {
  /** The user name and the password that it requires: `user:password`. @default none */
  readonly credentials?: string;
  /** Its certificate, if it speaks https. */
  readonly tls?: TlsOptions;
  /** The status that it answers to every request. @default it forwards requests */
  readonly status?: number;
  /** Whether it accepts connections but never answers. @default false */
  readonly hangs?: boolean;
  /** @default "127.0.0.1" */
  readonly host?: string;
}

/** A proxy that listens on the loopback interface. */
export interface HttpProxy {
  /** The host and the port. */
  readonly address: string;
  /** The first line of each request without its version: `CONNECT host:443`. */
  readonly requests: readonly string[];
  /** The head of each request. */
  readonly heads: readonly string[];
  /** Returns its URL with user info. */
  url(userInfo?: string): string;
  close(): Promise<void>;
}

/** Starts a proxy on a free port. */
export async function startHttpProxy(
  { credentials, tls, status, hangs = false, host = "127.0.0.1" }: HttpProxyOptions = {},
): Promise<HttpProxy> {
  const requests: string[] = [];
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const serve = (client: Socket): void => {
    keep(client);
    let received = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n") + 4;
      if (end < 4) return;
      client.off("data", onData);
      const head = received.subarray(0, end).toString("latin1");
      const [method = "", target = "", version = ""] = (head.split("\r\n")[0] ?? "").split(" ");
      requests.push(`${method} ${target}`);
      heads.push(head);
      if (hangs) return;
      const isAllowed = credentials === undefined ||
        head.includes(`Basic ${Buffer.from(credentials).toString("base64")}\r\n`);
      const refusal = status ?? (isAllowed ? undefined : 407);
      if (refusal !== undefined) return void client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
      const isTunnel = method === "CONNECT";
      const url = new URL(isTunnel ? `http://${target}` : target);
      const endpoint = keep(connect(Number(url.port || 80), "127.0.0.1"));
      endpoint.on("connect", () => {
        if (isTunnel) client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        else {
          const forwarded = head.replace(/^.*\r\n/, `${method} ${url.pathname}${url.search} ${version}\r\n`);
          endpoint.write(forwarded.replace(/^proxy-.*\r\n/gim, ""));
        }
        endpoint.write(received.subarray(end));
        client.pipe(endpoint);
        endpoint.pipe(client);
      });
      endpoint.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
      endpoint.on("close", () => client.end());
      client.on("close", () => endpoint.destroy());
    };
    client.on("data", onData);
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  if (tls !== undefined) server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    address,
    requests,
    heads,
    url: (userInfo) =>
      `${tls === undefined ? "http" : "https"}://${userInfo === undefined ? "" : `${userInfo}@`}${address}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls a function with a proxy, and closes the proxy afterwards. */
export async function withHttpProxy(
  options: HttpProxyOptions,
  use: (proxy: HttpProxy) => Promise<void>,
): Promise<void> {
  const proxy = await startHttpProxy(options);
  try {
    await use(proxy);
  } finally {
    await proxy.close();
  }
}

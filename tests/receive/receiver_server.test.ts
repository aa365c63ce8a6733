import assert from "node:assert/strict";
import { test } from "node:test";
import { createReceiver } from "../../src/receive/mod.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { headersV1, headersV2 } from "../support/requests.ts";

type Handler = (request: Request) => Promise<Response>;

/** The runtime's own server for web-standard handlers. */
interface Server {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

interface DenoLike {
  serve(
    options: { port: number; hostname: string; onListen: () => void },
    handler: Handler,
  ): { addr: { port: number }; shutdown: () => Promise<void> };
}

interface BunLike {
  serve(
    options: { port: number; hostname: string; fetch: Handler },
  ): { port: number; stop: (now: boolean) => Promise<void> };
}

const { Deno, Bun }: { Deno?: DenoLike; Bun?: BunLike } = Object(globalThis);

function serve(handler: Handler): Server | undefined {
  if (Deno !== undefined) {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
    return { port: server.addr.port, stop: () => server.shutdown() };
  }
  const server = Bun?.serve({ port: 0, hostname: "127.0.0.1", fetch: handler });
  return server && { port: server.port, stop: () => server.stop(true) };
}

const skip = Deno === undefined && Bun === undefined ? "this runtime has no server for web-standard handlers" : false;

test("a receiver works as the handler of the runtime's own server", { skip }, async () => {
  const series: number[] = [];
  const receive = createReceiver({
    onWrite: ({ timeSeries }) => void series.push(timeSeries.length),
    maxBodyBytes: 1 << 20,
  });
  const server = serve(receive);
  assert.ok(server);
  const send = async (init: RequestInit): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/write`, init);
    await response.body?.cancel();
    return response.status;
  };
  try {
    const body = compress(Uint8Array.of(0x0a, 0x00, 0x0a, 0x00));
    const large = new Uint8Array(8 << 20);
    assert.equal(await send({ method: "POST", headers: headersV1, body }), 204);
    assert.equal(await send({ method: "POST", headers: headersV2, body: compress(new Uint8Array()) }), 204);
    assert.equal(await send({ method: "POST", headers: headersV1, body: large }), 413);
    assert.equal(
      await send({ method: "POST", headers: { ...headersV1, "Content-Encoding": "gzip" }, body: large }),
      415,
    );
    assert.equal(await send({ method: "GET" }), 405);
    assert.equal(await send({ method: "POST", headers: headersV1, body: "hello" }), 400);
    // A request that was refused without being read does not affect the next one.
    assert.equal(await send({ method: "POST", headers: headersV1, body }), 204);
    assert.deepEqual(series, [2, 0, 2]);
  } finally {
    await server.stop();
  }
});

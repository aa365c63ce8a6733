import assert from "node:assert/strict";
import { test } from "node:test";
import { compress } from "../../src/protocol/snappy.ts";
import { createReceiver } from "../../src/receive/mod.ts";
import { postV1, postV2 } from "../support/requests.ts";

const series = {
  timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: 1n }] }],
};

/** Returns a body whose chunks a test sends. */
function openBody(): {
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  send(bytes: number): void;
  isCancelled(): boolean;
} {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (each) => void (controller = each),
    cancel: () => void (cancelled = true),
  });
  return {
    body,
    send: (bytes) => controller?.enqueue(new Uint8Array(bytes)),
    isCancelled: () => cancelled,
  };
}

test("a body that does not arrive in time is answered 408, and is no error of the receiver", async () => {
  const errors: unknown[] = [];
  const receive = createReceiver({ onWrite: () => {}, bodyTimeoutMs: 30, onError: (error) => errors.push(error) });
  const slow = openBody();
  slow.send(10);
  const response = await receive(postV1(series, { body: slow.body }));
  assert.equal(response.status, 408);
  assert.equal(await response.text(), "Cannot read the body: it did not arrive within 0.03 s\n");
  assert.ok(slow.isCancelled());
  assert.deepEqual(errors, []);
});

test("requests in progress have at most maxBytesInFlight bytes together; beyond it, the answer is 503 with Retry-After", async () => {
  const receive = createReceiver({ onWrite: () => {}, maxBytesInFlight: 100_000 });
  const first = openBody();
  const held = receive(postV1(series, { body: first.body }));
  // Alone, a request may have more.
  first.send(300_000);
  await new Promise((resolve) => setTimeout(resolve));
  const refused = await receive(postV2({}));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("Retry-After"), "1");
  assert.equal(refused.headers.get("X-Prometheus-Remote-Write-Samples-Written"), "0");
  assert.match(await refused.text(), /^Cannot accept the request: other requests already take \d+ bytes\n$/);
  // When the first one ends, its bytes are free again.
  first.send(40_000_000);
  assert.equal((await held).status, 413);
  assert.equal((await receive(postV1(series))).status, 204);
});

test("the decompressed message counts, too, before its memory is used", async () => {
  const receive = createReceiver({ onWrite: () => {}, maxBytesInFlight: 1_000_000 });
  const other = openBody();
  const held = receive(postV1(series, { body: other.body }));
  await new Promise((resolve) => setTimeout(resolve));
  // Some kilobytes that become 16 MB.
  const body = compress(new Uint8Array(16_000_000));
  assert.ok(body.length < 800_000);
  assert.equal((await receive(postV1(series, { body }))).status, 503);
  assert.equal((await receive(postV1(series))).status, 204);
  other.send(40_000_000);
  assert.equal((await held).status, 413);
  assert.equal((await receive(postV1(series, { body }))).status, 400);
});

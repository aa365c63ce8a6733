/**
 * Replays k6's JSON through the public API up to compressed bodies, without the network.
 *
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { readK6Json } from "../../src/k6/read/k6_json.ts";

/** Returns a file as a stream of chunks of 256 KiB. */
export function fileStream(path: string): ReadableStream<Uint8Array> {
  const file = openSync(path, "r");
  return new ReadableStream({
    pull(controller): void {
      const chunk = new Uint8Array(256 * 1024);
      const length = readSync(file, chunk);
      if (length > 0) return controller.enqueue(chunk.subarray(0, length));
      closeSync(file);
      controller.close();
    },
  }, { highWaterMark: 1 });
}

/** Replays k6's JSON up to compressed bodies. Returns the number of lines. */
export async function replay(stream: ReadableStream<Uint8Array>): Promise<number> {
  const output = new RemoteWriteOutput({
    windows: "event",
    overflow: "block",
    protocol: "1.0",
    fetch: () => Promise.resolve(new Response(null, { status: 204 })),
  });
  const reader = readK6Json(stream);
  for await (const samples of reader) {
    output.add(samples);
    await output.ready();
  }
  const { delivered } = await output.close();
  if (delivered === 0) throw new Error("The replay sent nothing");
  return reader.stats.lines;
}

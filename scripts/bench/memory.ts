/**
 * Replays ten million lines, which are generated while they are read, and prints how much memory the process uses meanwhile.
 *
 * @module
 */
import process from "node:process";
import { replay } from "./replay.ts";
import { jsonLines, startTime } from "./workload.ts";

const total = 10_000_000;
/** About 720 lines, which stand for a quarter of a second of the run. */
const chunk = jsonLines(256 * 1024);
const linesInChunk = chunk.reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 0);
const chunks = Math.ceil(total / linesInChunk);
const megabytes: number[] = [];

/**
 * Repeats the same lines, each time 250 ms later. The stream overwrites the times in place, so that it leaves no garbage and the
 * measured memory is the library's.
 */
function stream(): ReadableStream<Uint8Array> {
  const marker = new TextEncoder().encode('"time":"');
  const places: number[] = [];
  for (let at = 0; at < chunk.length; at++) {
    if (marker.every((byte, index) => chunk[at + index] === byte)) places.push(at + marker.length);
  }
  let made = 0;
  return new ReadableStream({
    pull(controller): void {
      if (made % Math.ceil(chunks / 10) === 0) megabytes.push(Math.round(process.memoryUsage().rss / 1e6));
      if (made++ === chunks) {
        megabytes.push(Math.round(process.memoryUsage().rss / 1e6));
        return controller.close();
      }
      const time = new TextEncoder().encode(new Date(startTime + 250 * made).toISOString().slice(0, -1));
      for (const place of places) chunk.set(time, place);
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}

const started = performance.now();
const lines = await replay(stream());
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ lines, seconds, megabytes }));
process.exit(0);

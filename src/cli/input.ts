/**
 * What `send` reads.
 *
 * @module
 */
import { gunzipped } from "./gzip.ts";
import { awaitsReads, builtin, standardInput, toStream } from "./runtime.ts";

/** A file, or standard input for `-`; what begins as gzip is decompressed. */
export function openInput(path: string): ReadableStream<Uint8Array> {
  return toStream(gunzipped(path === "-" ? standardInput() : read(path)));
}

async function* read(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const fs = builtin("node:fs");
  const isPipe = fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  yield* isPipe && awaitsReads ? openPipe(path) : fs.createReadStream(path);
}

/** As Node reads standard input: to open or read a pipe as a file may last for ever, and the end of the process with it. */
function openPipe(path: string): AsyncIterable<Uint8Array> {
  const { constants: { O_RDONLY, O_NONBLOCK }, openSync } = builtin("node:fs");
  const { Socket } = builtin("node:net");
  return new Socket({ fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false });
}

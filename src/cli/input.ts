/**
 * Opens the inputs of `send`: files, FIFOs and standard input, compressed with gzip or not.
 *
 * @module
 */
import { openPipe } from "./pipe_reader.ts";
import { builtin, standardInput, toStream } from "./runtime.ts";

const { setImmediate } = builtin("node:timers");

const gzipMagic = [0x1f, 0x8b];

/** A slice becomes at most a thousand times as much. */
const sliceBytes = 8192;

/** Reports whether a file that begins with these bytes is a gzip file. */
export function isGzip(start: ArrayLike<number>): boolean {
  return gzipMagic.every((byte, index) => start[index] === byte);
}

/**
 * Opens a file, or standard input for `-`. A gzip file is decompressed.
 *
 * @param onRead called with the size of each chunk, as it is before decompression, in bytes
 */
export function openInput(path: string, onRead: (bytes: number) => void = () => {}): ReadableStream<Uint8Array> {
  return toStream(gunzipped(counted(path === "-" ? readStandardInput() : read(path), onRead)));
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onRead(chunk.length);
    yield chunk;
  }
}

function read(path: string): AsyncIterable<Uint8Array> {
  const fs = builtin("node:fs");
  const isPipe = fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  return isPipe ? openPipe(path, { endsWithWriter: true }).chunks : fs.createReadStream(path);
}

/** Where Linux shows the standard input of this process. */
const standardInputPath = "/proc/self/fd/0";

/** Opens a pipe on standard input again, so that reading it never waits, and does not change the pipe for other processes. */
function readStandardInput(): AsyncIterable<Uint8Array> {
  const { fstatSync, existsSync } = builtin("node:fs");
  try {
    if (existsSync(standardInputPath) && fstatSync(0).isFIFO()) {
      return openPipe(standardInputPath, { endsWithWriter: true, hasWriter: true }).chunks;
    }
  } catch {
    // Standard input is closed, or the pipe belongs to another user.
  }
  return standardInput();
}

/** Decompresses a source that begins as a gzip file, with any number of members; yields any other source unchanged. */
async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  // A pipe may deliver the two bytes one by one.
  while (length < gzipMagic.length) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head.push(value);
    length += value.length;
  }
  const start = head.flatMap((chunk) => [...chunk.subarray(0, gzipMagic.length)]);
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  yield* isGzip(start) ? decompressed(all()) : all();
}

/** Yields everything that a damaged file holds before it fails: a piped stream would drop what is not read yet. */
async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = [];
  let failure: Error | undefined;
  let proceed = (): void => {};
  // DecompressionStream stops after the first member on some runtimes.
  const gunzip = builtin("node:zlib").createGunzip({ chunkSize: 65_536 });
  gunzip.on("data", (chunk: Uint8Array) => ready.push(chunk));
  gunzip.on("error", (error: Error) => {
    failure = error;
    proceed();
  });
  // Zeros after the last member end the stream early; then zlib never calls back for the last write.
  let ended = false;
  gunzip.on("end", () => {
    ended = true;
    proceed();
  });
  const step = async (take: (done: () => void) => void): Promise<void> => {
    await new Promise<void>((resolve) => {
      proceed = resolve;
      if (failure === undefined && !ended) take(resolve);
      else resolve();
    });
    if (failure !== undefined) throw failure;
  };
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        await step((done) => void gunzip.write(chunk.subarray(at, at + sliceBytes), () => done()));
        yield* ready.splice(0);
        // The runtimes handle signals between two turns of the event loop, and decompressing begins none.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await step(() => void gunzip.end());
    yield* ready.splice(0);
  } catch (error) {
    yield* ready;
    throw error;
  } finally {
    gunzip.destroy();
  }
}

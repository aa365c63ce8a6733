/**
 * Reads what may be compressed by gzip.
 *
 * @module
 */
import { builtin } from "./runtime.ts";

const magic = [0x1f, 0x8b];

/** Whether this is how a gzip file begins. */
export function isGzip(start: ArrayLike<number>): boolean {
  return magic.every((byte, index) => start[index] === byte);
}

/** What is compressed, of any number of members, comes decompressed; all else as it is. */
export async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  // A pipe may bring the two bytes one by one.
  while (length < 2) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head.push(value);
    length += value.length;
  }
  const start = head.flatMap((chunk) => [...chunk.subarray(0, 2)]);
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  if (!isGzip(start)) {
    yield* all();
    return;
  }
  yield* decompressed(all());
}

/** Gives all that a file holds, also where it is cut off: a stream that is piped on drops what is not read yet when it fails. */
async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = [];
  let failure: Error | undefined;
  let proceed = (): void => {};
  // DecompressionStream stops after the first member on some runtimes.
  const gunzip = builtin("node:zlib").createGunzip();
  gunzip.on("data", (chunk: Uint8Array) => ready.push(chunk));
  gunzip.on("error", (error: Error) => {
    failure = error;
    proceed();
  });
  // Zeros behind the last member end it before all is written, which then is never called back.
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
      await step((done) => void gunzip.write(chunk, () => done()));
      yield* ready.splice(0);
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

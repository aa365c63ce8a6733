/**
 * Makes streams of bytes whose chunks a test chooses.
 */

/** Returns a stream of chunks, or of one string. */
export function byteStream(input: string | Uint8Array | readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** Cuts bytes into chunks of a size. */
export function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, index) => bytes.slice(index * size, (index + 1) * size),
  );
}

/** Collects all that an iteration yields. */
export async function collect<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

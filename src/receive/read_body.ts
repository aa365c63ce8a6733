/**
 * Reads the bodies of requests, within limits of their size, their time and the memory of all of them together.
 *
 * @module
 */
import { TooLargeError } from "../model/errors.ts";

/** A request was refused because of its sender's connection or the receiver's load, not because of its content. */
export class UnreadError extends Error {
  /** The status of the response. */
  readonly status: 400 | 408 | 503;

  /** Creates an error with the status of the response. @param message what is told to the sender */
  constructor(status: 400 | 408 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

/** Counts the bytes of all requests that are in progress. */
export class BytesInFlight {
  readonly #max: number;
  #total = 0;

  /** @param max the largest number of bytes; a single request may have more */
  constructor(max: number) {
    this.#max = max;
  }

  /** Begins to count the bytes of a request. */
  begin(): RequestBytes {
    let own = 0;
    return {
      add: (bytes) => {
        // A request that is alone can wait for no other one, so only its own limits hold.
        if (this.#total > own && this.#total + bytes > this.#max) {
          throw new UnreadError(
            503,
            `Cannot accept the request: other requests already take ${this.#total - own} bytes`,
          );
        }
        this.#total += bytes;
        own += bytes;
      },
      end: () => {
        this.#total -= own;
        own = 0;
      },
    };
  }
}

/** The bytes of one request. */
export interface RequestBytes {
  /** Adds to the bytes of the request. @throws {UnreadError} if the requests in progress have too many together */
  add(bytes: number): void;
  /** Ends the request: its bytes no longer count. */
  end(): void;
}

/**
 * Reads a body. Stops at the limit, and allocates only what arrives, not what Content-Length declares.
 *
 * @throws {TooLargeError} if the body is larger than `maxBodyBytes`
 * @throws {UnreadError} if the body is slow or ends early, or if there is no room for it
 */
export async function readBody(
  { headers, body }: Request,
  { maxBodyBytes, bodyTimeoutMs, inFlight }: {
    readonly maxBodyBytes: number;
    readonly bodyTimeoutMs: number;
    readonly inFlight: RequestBytes;
  },
): Promise<Uint8Array> {
  const checkLength = (length: number): void => {
    if (length <= maxBodyBytes) return;
    throw new TooLargeError(`Cannot read the body: it is ${length} bytes or more, expected at most ${maxBodyBytes}`);
  };
  checkLength(Number(headers.get("Content-Length")));
  // One buffer instead of a list of chunks: a sender may send chunks of one byte.
  let bytes = new Uint8Array(4096);
  inFlight.add(bytes.length);
  let length = 0;
  const reader = body?.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Cannot read the body: it did not arrive within ${bodyTimeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new UnreadError(408, message)), bodyTimeoutMs);
  });
  try {
    for (;;) {
      const chunk = reader && await Promise.race([late, reader.read().then(({ value }) => value, endedEarly)]);
      if (chunk === undefined) return bytes.subarray(0, length);
      const end = length + chunk.length;
      checkLength(end);
      if (end > bytes.length) {
        const size = Math.max(end, 2 * bytes.length);
        inFlight.add(size - bytes.length);
        const grown = new Uint8Array(size);
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(chunk, length);
      length = end;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: the rest may never come.
    reader?.cancel().catch(() => {});
  }
}

function endedEarly(): never {
  throw new UnreadError(400, "Cannot read the body: the connection ended before its end");
}

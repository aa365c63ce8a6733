import { ByteBuffer } from "../protocol/byte_buffer.ts";
import { TooLargeError } from "../model/errors.ts";

/**
 * Reads a body of at most so many bytes; what is beyond them is not read, and what is only declared takes no memory.
 *
 * @throws {TooLargeError} where it is larger
 */
export async function readBody(request: Request, { maxBodyBytes }: { maxBodyBytes: number }): Promise<Uint8Array> {
  const declared = Number(request.headers.get("Content-Length"));
  if (declared > maxBodyBytes) throw tooLarge(declared, maxBodyBytes);
  // One buffer instead of a list of pieces: a sender may cut the body into pieces of one byte.
  const buffer = new ByteBuffer();
  for await (const piece of request.body ?? []) {
    // Ends the loop, which cancels the rest of the body.
    if (buffer.length + piece.length > maxBodyBytes) throw tooLarge(buffer.length + piece.length, maxBodyBytes);
    buffer.ensure(piece.length);
    buffer.append(piece);
  }
  return buffer.written();
}

function tooLarge(length: number, maxBodyBytes: number): TooLargeError {
  return new TooLargeError(`Cannot read the body: it is ${length} bytes or more, expected at most ${maxBodyBytes}`);
}

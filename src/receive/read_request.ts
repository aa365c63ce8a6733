/**
 * Reads what a request says of its message, and its body.
 *
 * @module
 */
import { TooLargeError } from "../model/errors.ts";
import { ByteBuffer } from "../protocol/byte_buffer.ts";
import type { ProtocolVersion } from "../send/request_result.ts";

const messageV1 = "prometheus.WriteRequest";

const versions: ReadonlyMap<string, ProtocolVersion> = new Map([
  [messageV1, "1.0"],
  ["io.prometheus.write.v2.Request", "2.0"],
]);

/**
 * Returns the protocol version that a Content-Type names, or undefined if it is not a remote-write type. A missing
 * Content-Type or message name means 1.0, because senders from before 2.0 may omit it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-media-type
 */
export function versionOfContentType(contentType: string | null): ProtocolVersion | undefined {
  const protobuf = "application/x-protobuf";
  const [mediaType = "", ...parameters] = (contentType ?? protobuf).split(";").map((part) => part.trim());
  const messages = parameters.flatMap((parameter) => /^proto(?:=|$)("?)(.*)\1$/i.exec(parameter)?.[2] ?? []);
  return mediaType.toLowerCase() === protobuf && messages.length < 2
    ? versions.get(messages[0] ?? messageV1)
    : undefined;
}

/**
 * Reads a body. Stops at the limit, and allocates only what arrives, not what Content-Length declares.
 *
 * @throws {TooLargeError} if the body is larger than `maxBodyBytes`
 */
export async function readBody({ headers, body }: Request, maxBodyBytes: number): Promise<Uint8Array> {
  const checkLength = (length: number): void => {
    if (length <= maxBodyBytes) return;
    throw new TooLargeError(`Cannot read the body: it is ${length} bytes or more, expected at most ${maxBodyBytes}`);
  };
  checkLength(Number(headers.get("Content-Length")));
  // One buffer instead of a list of chunks: a sender may send chunks of one byte.
  const buffer = new ByteBuffer();
  for await (const chunk of body ?? []) {
    // An error ends the loop, which cancels the rest of the body.
    checkLength(buffer.length + chunk.length);
    buffer.ensure(chunk.length);
    buffer.append(chunk);
  }
  return buffer.written();
}

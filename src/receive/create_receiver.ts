import { BusyError, FormatError, TooLargeError } from "../model/errors.ts";
import type { DecodedRequest } from "../protocol/decode.ts";
import { decodeV1 } from "../protocol/decode_v1.ts";
import { decodeV2 } from "../protocol/decode_v2.ts";
import { KnownLabels } from "../protocol/known_labels.ts";
import { decompress } from "../protocol/snappy.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import { accessCheck } from "./access.ts";
import { quote } from "../model/printable.ts";
import { BytesInFlight, readBody, type RequestBytes, UnreadError } from "./read_body.ts";
import { type ReceiverOptions, type ResolvedReceiverOptions, resolveReceiverOptions } from "./receiver_options.ts";
import { allowOrigin, countValues, nothingWritten, preflight, refuse, writtenHeaders } from "./responses.ts";
import type { CheckRequest } from "./rules/rules.ts";

/**
 * Creates a handler that receives remote write 1.0 and 2.0, for `Deno.serve`, `Bun.serve`, workers and tests. The handler
 * holds no resources and needs no closing.
 *
 * @example
 * ```ts
 * import { createReceiver } from "k6-remote-write/receiver";
 *
 * const receive = createReceiver({ onWrite: ({ timeSeries }) => console.log(timeSeries.length) });
 * const response = await receive(new Request("http://localhost/api/v1/write"));
 * console.log(response.status); // 405, because the request is not a POST
 * ```
 *
 * @throws {ConfigurationError} if an option is unknown or has a wrong value
 */
export function createReceiver(options: ReceiverOptions): (request: Request) => Promise<Response> {
  const resolved = resolveReceiverOptions(options);
  const { path, cors, onError, strict, onViolation } = resolved;
  const checkRequest = strict?.createChecks(onViolation);
  const refuseAccess = accessCheck(resolved);
  const known = { "1.0": new KnownLabels(), "2.0": new KnownLabels() };
  const bytesInFlight = new BytesInFlight(resolved.maxBytesInFlight);
  return async (request) => {
    const inFlight = bytesInFlight.begin();
    let response: Response;
    try {
      if (path !== undefined && new URL(request.url).pathname !== path) response = refuse(404, "Cannot find this path");
      else {
        response = await refuseAccess(request) ??
          (cors !== false && request.method === "OPTIONS"
            ? preflight(request)
            : await receive(request, { ...resolved, checkRequest, inFlight, known }));
      }
    } catch (error) {
      onError(error);
      response = refuse(500, "Cannot read the request: the receiver failed");
    } finally {
      inFlight.end();
    }
    // Servers handle a body that was not read in different ways.
    if (!request.bodyUsed) await request.body?.cancel().catch(() => {});
    return cors === false ? response : allowOrigin(response, cors === true ? "*" : cors);
  };
}

interface ReceiveOptions extends ResolvedReceiverOptions {
  readonly checkRequest: CheckRequest | undefined;
  readonly inFlight: RequestBytes;
  /** The labels of earlier requests, by their protocol version. */
  readonly known: Readonly<Record<ProtocolVersion, KnownLabels>>;
}

async function receive(
  request: Request,
  { acceptVersions, checkRequest, known, maxDecodedBytes, onError, onWrite, ...reading }: ReceiveOptions,
): Promise<Response> {
  const { method, headers } = request;
  const contentType = headers.get("Content-Type");
  const version = versionOfContentType(contentType);
  const check = checkRequest?.(request, version);
  const cannotAccept = (name: string, value: string, expected: string): string =>
    `Cannot accept the request: ${name} is ${quote(value)}, expected ${expected}`;
  if (method !== "POST") return refuse(405, cannotAccept("the method", method, "POST"), { Allow: "POST" });
  if (version === undefined || !acceptVersions.includes(version)) {
    const expected = `remote write ${acceptVersions.join(" or ")}`;
    return refuse(415, cannotAccept("Content-Type", contentType ?? "", expected));
  }
  // A page of any origin can make a browser send a request without a type. With the type, the browser asks for permission first.
  if (contentType === null && headers.has("Origin")) {
    return refuse(
      415,
      cannotAccept("Content-Type", "", "application/x-protobuf, because the request is from a web page"),
    );
  }
  const encoding = headers.get("Content-Encoding") ?? "snappy";
  if (encoding.toLowerCase() !== "snappy") return refuse(415, cannotAccept("Content-Encoding", encoding, "snappy"));

  const refuseAll = (status: number, reason: string, others?: Record<string, string>): Response =>
    refuse(status, reason, { ...writtenHeaders(version, nothingWritten), ...others });
  let body: Uint8Array;
  let message: Uint8Array;
  let decoded: DecodedRequest;
  try {
    body = await readBody(request, reading);
    message = decompress(body, { maxDecodedBytes, onLength: reading.inFlight.add });
    // The objects of a small request need more memory in relation to its size.
    const maxMemoryBytes = Math.max(8 * maxDecodedBytes, 2 ** 20);
    decoded = (version === "2.0" ? decodeV2 : decodeV1)(message, {
      maxMemoryBytes,
      known: known[version],
    });
  } catch (error) {
    if (error instanceof UnreadError) {
      return refuseAll(error.status, error.message, error.status === 503 ? { "Retry-After": "1" } : {});
    }
    if (!(error instanceof FormatError)) throw error;
    if (error instanceof TooLargeError) return refuseAll(413, error.message);
    check?.reportBody(error.message);
    return refuseAll(400, error.message);
  }
  const { timeSeries, metadata, foreignField } = decoded;
  if (foreignField !== undefined) {
    const problem = `the message has the field ${foreignField}, expected only fields of the version in Content-Type`;
    check?.reportBody(problem);
    // Protobuf reads a message of the other version as an empty one. The sender must not believe that it was stored.
    if (check === undefined && timeSeries.length + metadata.size === 0) {
      return refuseAll(400, `Cannot accept the request: ${problem}`);
    }
  }
  const violations = check?.check(decoded);
  if (violations !== undefined) return refuseAll(400, violations);

  const forget = check?.accept();
  try {
    const write = { version, timeSeries, metadata, bodyBytes: body.length, decodedBytes: message.length, headers };
    const { written = countValues(timeSeries), reason } = await onWrite(write) ?? {};
    const counts = writtenHeaders(version, written);
    if (reason === undefined) return new Response(null, { status: 204, headers: counts });
    // The sender may send the valid part again.
    if (Object.values(written).every((count) => count === 0)) forget?.();
    return refuse(400, reason, counts);
  } catch (error) {
    forget?.();
    if (error instanceof BusyError) {
      return refuseAll(429, error.message, { "Retry-After": `${Math.ceil(error.retryAfterMs / 1000)}` });
    }
    onError(error);
    return refuseAll(500, "Cannot store the request: the receiver failed");
  }
}

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
function versionOfContentType(contentType: string | null): ProtocolVersion | undefined {
  const protobuf = "application/x-protobuf";
  const [mediaType = "", ...parameters] = (contentType ?? protobuf).split(";").map((part) => part.trim());
  const messages = parameters.flatMap((parameter) => /^proto(?:=|$)("?)(.*)\1$/i.exec(parameter)?.[2] ?? []);
  return mediaType.toLowerCase() === protobuf && messages.length < 2
    ? versions.get(messages[0] ?? messageV1)
    : undefined;
}

/**
 * A remote-write receiver as a handler of web-standard requests: for `Deno.serve`, `Bun.serve`, workers and tests.
 *
 * @module
 */
import { BusyError, FormatError, TooLargeError } from "../model/errors.ts";
import { quote } from "./rules/violation.ts";
import { versionOfContentType } from "./content_type.ts";
import { allowOrigin, preflight } from "./cors.ts";
import { checkHeaders } from "./rules/header_rules.ts";
import { readBody } from "./read_body.ts";
import { type ReceiverOptions, type ResolvedReceiverOptions, resolveReceiverOptions } from "./receiver_options.ts";
import { refuse, ViolationList } from "./refusal.ts";
import { foreignMessage, StrictRules } from "./rules/strict_rules.ts";
import { countValues, nothingWritten, writtenHeaders } from "./written.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { DecodedRequest } from "../protocol/decode.ts";
import { decodeV1 } from "../protocol/decode_v1.ts";
import { decodeV2 } from "../protocol/decode_v2.ts";
import { decompress } from "../protocol/snappy.ts";

export type { Rule, Violation } from "./rules/violation.ts";
export type { OnWrite, PartialWrite, ReceivedWrite, ReceiverOptions } from "./receiver_options.ts";

/**
 * Makes a handler that receives remote write 1.0 and 2.0. It holds no resources and can simply be dropped.
 *
 * @example
 * ```ts
 * import { createReceiver } from "k6-remote-write";
 *
 * const receive = createReceiver({ onWrite: ({ timeSeries }) => console.log(timeSeries.length) });
 * const response = await receive(new Request("http://localhost/api/v1/write"));
 * console.log(response.status); // 405: it is not a POST.
 * ```
 *
 * @throws {ConfigurationError} where an option cannot be used
 */
export function createReceiver(options: ReceiverOptions): (request: Request) => Promise<Response> {
  const receiver = new Receiver(resolveReceiverOptions(options));
  return (request) => receiver.answer(request);
}

class Receiver {
  readonly #options: ResolvedReceiverOptions;
  readonly #rules: StrictRules | undefined;

  constructor(options: ResolvedReceiverOptions) {
    this.#options = options;
    this.#rules = options.strict ? new StrictRules(options.maxTrackedSeries) : undefined;
  }

  async answer(request: Request): Promise<Response> {
    const { path, origin, onError } = this.#options;
    let response: Response;
    try {
      if (path !== undefined && new URL(request.url).pathname !== path) response = refuse(404, "Cannot find this path");
      else if (origin !== undefined && request.method === "OPTIONS") response = preflight(request);
      else response = await this.#receive(request);
    } catch (error) {
      onError(error);
      response = refuse(500, "Cannot take the request: the receiver failed");
    }
    // Servers differ in what they do with a body that nobody reads.
    if (!request.bodyUsed) await request.body?.cancel().catch(() => {});
    return origin === undefined ? response : allowOrigin(response, origin);
  }

  async #receive(request: Request): Promise<Response> {
    const violations = new ViolationList(this.#options.onViolation);
    const version = versionOfContentType(request.headers.get("Content-Type"));
    if (this.#rules !== undefined) {
      checkHeaders(request, { version, report: violations.add });
    }
    const { method, headers } = request;
    if (method !== "POST") {
      return refuse(405, `Cannot accept the request: the method is ${quote(method)}, expected POST`, { Allow: "POST" });
    }
    if (version === undefined || !this.#options.acceptVersions.includes(version)) {
      return refuse(
        415,
        `Cannot accept the request: Content-Type is ${
          quote(headers.get("Content-Type") ?? "")
        }, expected remote write ${this.#options.acceptVersions.join(" or ")}`,
      );
    }
    const encoding = headers.get("Content-Encoding") ?? "snappy";
    if (encoding.toLowerCase() !== "snappy") {
      return refuse(415, `Cannot accept the request: Content-Encoding is ${quote(encoding)}, expected snappy`);
    }
    return await this.#take(request, { version, violations });
  }

  /** Answers a request whose message and encoding are known. */
  async #take(
    request: Request,
    { version, violations }: { version: ProtocolVersion; violations: ViolationList },
  ): Promise<Response> {
    const { maxBodyBytes, maxDecodedBytes, onWrite, onError } = this.#options;
    const refuseAll = (status: number, reason: string): Response =>
      refuse(status, reason, writtenHeaders(version, nothingWritten));
    let body: Uint8Array;
    let decoded: Uint8Array;
    let decodedRequest: DecodedRequest;
    try {
      body = await readBody(request, { maxBodyBytes });
      decoded = decompress(body, { maxDecodedBytes });
      // Small requests take relatively more.
      const maxMemoryBytes = Math.max(8 * maxDecodedBytes, 2 ** 20);
      decodedRequest = (version === "2.0" ? decodeV2 : decodeV1)(decoded, { maxMemoryBytes });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      if (error instanceof TooLargeError) return refuseAll(413, error.message);
      if (this.#rules !== undefined) violations.add("body", error.message);
      return refuseAll(400, error.message);
    }
    const accept = this.#rules?.check(decodedRequest, { version, report: violations.add });
    violations.end();
    if (violations.count > 0) return refuseAll(400, `${violations}`);
    const { timeSeries, metadata, foreignField } = decodedRequest;
    // As protobuf reads it, a message of the other version is empty: its sender would be told that all is stored.
    if (foreignField !== undefined && timeSeries.length + metadata.size === 0) {
      return refuseAll(400, `Cannot accept the request: ${foreignMessage(foreignField)}`);
    }
    const write = {
      version,
      timeSeries,
      metadata,
      bodyBytes: body.length,
      decodedBytes: decoded.length,
      headers: request.headers,
    };
    const forget = accept?.();
    try {
      const { written = countValues(timeSeries), reason } = await onWrite(write) ?? {};
      const headers = writtenHeaders(version, written);
      if (reason === undefined) return new Response(null, { status: 204, headers });
      // Its sender may try the good part of it again.
      if (Object.values(written).every((count) => count === 0)) forget?.();
      return refuse(400, reason, headers);
    } catch (error) {
      forget?.();
      if (error instanceof BusyError) {
        const retryAfter = { "Retry-After": `${Math.ceil(error.retryAfterMs / 1000)}` };
        return refuse(429, error.message, { ...writtenHeaders(version, nothingWritten), ...retryAfter });
      }
      onError(error);
      return refuseAll(500, "Cannot store the request: the receiver failed");
    }
  }
}

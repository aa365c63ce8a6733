/**
 * Counts the body of a response while it is read.
 *
 * The response remains the object that fetch returned, because a new one would lose its `url`, its `type`, a status above 599
 * and, on Deno and Bun, the fast path for whole bodies. Only the members that give access to its body are replaced.
 *
 * @module
 */
import type { MeasuredRequest } from "./measured_request.ts";

const decoder = new TextDecoder();

const wholeBodyMethods = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;
type WholeBodyMethod = typeof wholeBodyMethods[number];
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Replaces the members of a response that read its body, so that they report to the request. Returns the response. */
export function measureResponse(response: Response, request: MeasuredRequest): Response {
  // The body is not accessed before the caller does so: on Bun, clones made after such an access are sometimes empty.
  const accessBody: () => Body = Object.getOwnPropertyDescriptor(response, "body")?.get ??
    (() => Reflect.get(Object.getPrototypeOf(response), "body", response));
  const readBuffer = response.arrayBuffer.bind(response);
  const clone = response.clone.bind(response);
  let stream: Body | undefined;

  async function readWhole(method: WholeBodyMethod): Promise<unknown> {
    // The runtime's own error for a body that was already read.
    if (response.bodyUsed) return await readBuffer();
    const { headers } = response;
    if (stream) return await new Response(stream, { headers })[method]();
    let buffer;
    try {
      buffer = await readBuffer();
    } catch (error) {
      request.failed(error);
      throw error;
    }
    request.ended(buffer.byteLength);
    if (method === "arrayBuffer") return buffer;
    if (method === "text") return decoder.decode(buffer);
    if (method === "json") return JSON.parse(decoder.decode(buffer));
    return await new Response(buffer, { headers })[method]();
  }

  // Configurable, so that one instrumented fetch can wrap another.
  const replace = (name: string, how: PropertyDescriptor) =>
    Object.defineProperty(response, name, { configurable: true, ...how });
  // A fetch that was made for tests may have a body of null.
  replace("body", { get: () => (stream ??= accessBody() && countStream(accessBody, request)) });
  replace("clone", {
    value: (): Response => {
      const copy = clone();
      request.cloned();
      return measureResponse(copy, request);
    },
  });
  for (const method of wholeBodyMethods) {
    if (method in response) replace(method, { value: () => readWhole(method) });
  }
  return response;
}

/** Returns a stream that reads only when its own reader does. It accesses the body late, because a clone replaces it. */
function countStream(accessBody: () => Body, request: MeasuredRequest): Body {
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  let receivedBytes = 0;
  return new ReadableStream({
    type: "bytes",
    async pull(controller): Promise<void> {
      let chunk;
      try {
        reader ??= accessBody().getReader();
        // After an empty chunk, nothing would call pull() again.
        do chunk = await reader.read(); while (chunk.value?.byteLength === 0);
      } catch (error) {
        request.failed(error, receivedBytes);
        throw error;
      }
      if (chunk.done) {
        request.ended(receivedBytes);
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        receivedBytes += chunk.value.byteLength;
        controller.enqueue(chunk.value);
      }
    },
    async cancel(reason): Promise<void> {
      request.cancelled(receivedBytes);
      await (reader ?? accessBody()).cancel(reason);
    },
  });
}

/**
 * A response whose body is counted as it is read.
 *
 * The response stays the object that fetch gave, as a new one would lose its url, its type and a status above 599, and
 * on Deno and Bun the short way on which whole bodies come. Only the ways to its body are replaced.
 *
 * @module
 */
import type { MeasuredRequest } from "./measured_request.ts";

const decoder = new TextDecoder();

const wholeBodyMethods = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;
type WholeBodyMethod = typeof wholeBodyMethods[number];
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Tells the request what becomes of the response's body. */
export function measureResponse(response: Response, request: MeasuredRequest): Response {
  // Not touched before the caller does: on Bun, what is cloned after its body was touched is empty now and then.
  const touchBody: () => Body = Object.getOwnPropertyDescriptor(response, "body")?.get ??
    (() => Reflect.get(Object.getPrototypeOf(response), "body", response));
  const readBuffer = response.arrayBuffer.bind(response);
  const clone = response.clone.bind(response);
  let stream: Body | undefined;

  async function readWhole(method: WholeBodyMethod): Promise<unknown> {
    // A body that was read already is refused in the runtime's own words.
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
  // A fetch made for tests may give null after all.
  replace("body", { get: () => (stream ??= touchBody() && countStream(touchBody, request)) });
  replace("clone", {
    value: (): Response => {
      const copy = clone();
      request.shared();
      return measureResponse(copy, request);
    },
  });
  for (const method of wholeBodyMethods) {
    if (method in response) replace(method, { value: () => readWhole(method) });
  }
  return response;
}

/** A stream that reads on only when its own reader does. The body is asked for late, as a clone replaces it. */
function countStream(touchBody: () => Body, request: MeasuredRequest): Body {
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  let receivedBytes = 0;
  return new ReadableStream({
    type: "bytes",
    async pull(controller): Promise<void> {
      let chunk;
      try {
        reader ??= touchBody().getReader();
        // An empty chunk would end this pull without anything to wake the next one.
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
      await (reader ?? touchBody()).cancel(reason);
    },
  });
}

/** A request for an authorizer. */
import type { AuthorizableRequest } from "../../src/send/auth/authorizer.ts";

/** Returns a small request with headers such as the sender sets. */
export function requestTo(url: string, headers: Readonly<Record<string, string>> = {}): AuthorizableRequest {
  return {
    method: "POST",
    url,
    headers: new Map(
      new Headers({
        "content-encoding": "snappy",
        "content-type": "application/x-protobuf",
        "user-agent": "k6-remote-write/0",
        "x-prometheus-remote-write-version": "0.1.0",
        ...headers,
      }),
    ),
    body: Uint8Array.of(3, 8, 1, 2, 3),
  };
}

/** Returns a signal that never fires. */
export function unaborted(): AbortSignal {
  return new AbortController().signal;
}

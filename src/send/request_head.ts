/**
 * The head of a request: the URL and the headers.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { version as packageVersion } from "../model/version.ts";
import type { RequestHeaders } from "./auth/authorizer.ts";
import type { EncodedRequest } from "./request_result.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

const versionHeader = "x-prometheus-remote-write-version";

const protocolHeaders: Readonly<Record<ProtocolVersion, readonly (readonly [string, string])[]>> = {
  "1.0": [["content-type", "application/x-protobuf"], [versionHeader, "0.1.0"]],
  "2.0": [
    ["content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"],
    [versionHeader, "2.0.0"],
  ],
};

/** Returns the URL without user info, because fetch refuses user info in some runtimes. */
export function withoutUserInfo(url: URL): URL {
  return Object.assign(new URL(url), { username: "", password: "" });
}

/** A token of RFC 9110, 5.6.2. */
const headerName = /^[\w!#$%&'*+.^`|~-]+$/;

/** Visible ASCII, white space and the bytes beyond ASCII, as in RFC 9110, 5.5: what all runtimes send. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Returns headers with names in lower case, and values without the white space around them.
 *
 * @throws {ConfigurationError} if a name or a value is not valid in HTTP
 */
export function parseHeaders(custom: Readonly<Record<string, string>>): RequestHeaders {
  const headers: RequestHeaders = new Map();
  for (const [name, given] of Object.entries(custom)) {
    const value = String(given).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (!headerName.test(name) || !headerValue.test(value)) {
      // The value may be a secret, so the message does not show it.
      throw new ConfigurationError(`Cannot send: the header ${JSON.stringify(name)} or its value is not valid`);
    }
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

/** Returns the headers of the protocol together with custom ones, which cannot override them. */
export function headersOf({ version, attempt }: EncodedRequest, custom: RequestHeaders): RequestHeaders {
  const headers = new Map([...custom, ["content-encoding", "snappy"], ...protocolHeaders[version]]);
  headers.set("user-agent", `k6-remote-write/${packageVersion}`);
  headers.delete("retry-attempt");
  if (attempt > 0) headers.set("retry-attempt", String(attempt));
  return headers;
}

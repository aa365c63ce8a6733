import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { quote } from "../../model/printable.ts";
import type { Report, Rule } from "./rules.ts";

const contentTypes: Readonly<Record<ProtocolVersion, readonly string[]>> = {
  "1.0": ["application/x-protobuf", "application/x-protobuf;proto=prometheus.WriteRequest"],
  "2.0": ["application/x-protobuf;proto=io.prometheus.write.v2.Request"],
};

const versions: Readonly<Record<ProtocolVersion, readonly string[]>> = { "1.0": ["0.1.0"], "2.0": ["2.0.0"] };

/**
 * A product, a slash and the product's version, then other products or comments.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-user-agent
 */
const userAgent = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(\s|$)/;

/** Checks the method and the four headers. `version` is undefined if Content-Type does not name a known message. */
export function checkHeaders(
  { method, headers }: Request,
  { version, report }: { readonly version: ProtocolVersion | undefined; readonly report: Report },
): void {
  if (method !== "POST") report("method", `the method is ${method}, expected POST`);
  const allowed = (byVersion: Readonly<Record<ProtocolVersion, readonly string[]>>): readonly string[] =>
    version === undefined ? Object.values(byVersion).flat() : byVersion[version];
  const check = (name: string, rule: Rule, expected: readonly string[] | RegExp): void => {
    const value = headers.get(name);
    if (value !== null && (expected instanceof RegExp ? expected.test(value) : expected.includes(value))) return;
    const form = expected instanceof RegExp ? "name/version" : expected.join(" or ");
    report(rule, `${name} is ${value === null ? "missing" : quote(value)}, expected ${form}`);
  };
  check("Content-Encoding", "contentEncoding", ["snappy"]);
  check("Content-Type", "contentType", allowed(contentTypes));
  check("X-Prometheus-Remote-Write-Version", "version", allowed(versions));
  check("User-Agent", "userAgent", userAgent);
}

import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { quote, type Report } from "./violation.ts";

const contentTypes: Readonly<Record<ProtocolVersion, readonly string[]>> = {
  "1.0": ["application/x-protobuf", "application/x-protobuf;proto=prometheus.WriteRequest"],
  "2.0": ["application/x-protobuf;proto=io.prometheus.write.v2.Request"],
};

const versions: Readonly<Record<ProtocolVersion, string>> = { "1.0": "0.1.0", "2.0": "2.0.0" };

/** RFC 9110: product, a slash, its version; then more products or comments. */
const userAgent = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(\s|$)/;

/** Checks the method and the four headers; `version` is undefined where the content type tells none. */
export function checkHeaders(
  { method, headers }: Request,
  { version, report }: { version: ProtocolVersion | undefined; report: Report },
): void {
  if (method !== "POST") report("method", `the method is ${method}, expected POST`);
  const expect = (
    rule: "contentEncoding" | "contentType" | "version",
    name: string,
    expected: readonly string[],
  ): void => {
    const value = headers.get(name);
    if (value !== null && expected.includes(value)) return;
    report(rule, `${name} is ${value === null ? "missing" : quote(value)}, expected ${expected.join(" or ")}`);
  };
  expect("contentEncoding", "Content-Encoding", ["snappy"]);
  expect(
    "contentType",
    "Content-Type",
    version === undefined ? Object.values(contentTypes).flat() : contentTypes[version],
  );
  expect(
    "version",
    "X-Prometheus-Remote-Write-Version",
    version === undefined ? Object.values(versions) : [versions[version]],
  );
  const agent = headers.get("User-Agent");
  if (agent === null || !userAgent.test(agent)) {
    report("userAgent", `User-Agent is ${agent === null ? "missing" : quote(agent)}, expected name/version`);
  }
}

import type { ProtocolVersion } from "../protocol/protocol_version.ts";

const versions: Readonly<Record<string, ProtocolVersion>> = {
  "prometheus.WriteRequest": "1.0",
  "io.prometheus.write.v2.Request": "2.0",
};

/**
 * Tells the protocol version from a Content-Type, read as RFC 9110 has it; undefined for one that is not remote write's.
 * None at all is 1.0, as senders from before 2.0 may leave it out.
 */
export function versionOfContentType(contentType: string | null): ProtocolVersion | undefined {
  const [mediaType = "", ...parameters] = (contentType ?? "application/x-protobuf").split(";").map((part) =>
    part.trim()
  );
  if (mediaType.toLowerCase() !== "application/x-protobuf") return undefined;
  const messages = parameters.flatMap((parameter) => {
    const [name = "", ...value] = parameter.split("=");
    return name.toLowerCase() === "proto" ? [value.join("=").replace(/^"(.*)"$/, "$1")] : [];
  });
  const [message = "prometheus.WriteRequest", another] = messages;
  return another === undefined && Object.hasOwn(versions, message) ? versions[message] : undefined;
}

/** The samples of a request's body, as a receiver decodes them; by the generated types. */
import { fromBinary } from "@bufbuild/protobuf";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { strictRules } from "../../src/receive/rules/strict_rules.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { decodeV1 as readV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 as readV2 } from "../../src/protocol/decode_v2.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import type { ReceivedSample } from "./fake_prometheus.ts";
import { headersV1, headersV2 } from "./requests.ts";

/** Floats by series, which is written as `name=value,name=value`. */
export function decodeRequest(body: Uint8Array, version: ProtocolVersion): ReceivedSample[] {
  return version === "2.0" ? decodeV2(body) : decodeV1(body);
}

/** What a request breaks of the rules for senders by itself, whatever came before it. */
export function breachesOf(body: Uint8Array, version: ProtocolVersion): string[] {
  const violations: string[] = [];
  const request = (version === "2.0" ? readV2 : readV1)(decompress(body, { maxDecodedBytes: 1 << 24 }));
  const checkRequest = strictRules().createChecks(({ rule, message }) => violations.push(`${rule}: ${message}`));
  const headers = version === "2.0" ? headersV2 : headersV1;
  checkRequest(new Request("http://receiver.test", { method: "POST", headers }), version).check(request);
  return violations;
}

function decodeV1(body: Uint8Array): ReceivedSample[] {
  const { timeseries } = fromBinary(WriteRequestSchema, decompress(body, { maxDecodedBytes: 1 << 24 }));
  return timeseries.flatMap(({ labels, samples }) => {
    const series = labels.map(({ name, value }) => `${name}=${value}`).join(",");
    return samples.map(({ timestamp, value }) => ({ series, time: Number(timestamp), value }));
  });
}

function decodeV2(body: Uint8Array): ReceivedSample[] {
  const { symbols, timeseries } = fromBinary(RequestSchema, decompress(body, { maxDecodedBytes: 1 << 24 }));
  return timeseries.flatMap(({ labelsRefs, samples }) => {
    const texts = labelsRefs.map((ref) => symbols[ref] ?? "");
    const series = texts.flatMap((name, index) => index % 2 === 0 ? [`${name}=${texts[index + 1]}`] : []).join(",");
    return samples.map(({ timestamp, value }) => ({ series, time: Number(timestamp), value }));
  });
}

/**
 * Requests as a sender makes them, from messages of the generated types.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { compress } from "../../src/protocol/snappy.ts";

/** What a 1.0 request says. */
export type InitV1 = MessageInitShape<typeof WriteRequestSchema>;
/** What a 2.0 request says. */
export type InitV2 = MessageInitShape<typeof RequestSchema>;

/** What differs from a correct request. A header that is undefined is left out. */
export interface PostOptions {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly method?: string;
  readonly url?: string;
  readonly body?: BodyInit | null;
}

/** The headers of a correct 1.0 request. */
export const headersV1: Readonly<Record<string, string>> = {
  "Content-Encoding": "snappy",
  "Content-Type": "application/x-protobuf",
  "User-Agent": "test/1.0",
  "X-Prometheus-Remote-Write-Version": "0.1.0",
};

/** The headers of a correct 2.0 request. */
export const headersV2: Readonly<Record<string, string>> = {
  ...headersV1,
  "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
  "X-Prometheus-Remote-Write-Version": "2.0.0",
};

/** Returns a POST of a 1.0 message, compressed and with all headers. */
export function postV1(init: InitV1, options: PostOptions = {}): Request {
  return post(compress(toBinary(WriteRequestSchema, create(WriteRequestSchema, init))), headersV1, options);
}

/** Returns a POST of a 2.0 message, compressed and with all headers. */
export function postV2(init: InitV2, options: PostOptions = {}): Request {
  return post(compress(toBinary(RequestSchema, create(RequestSchema, init))), headersV2, options);
}

function post(body: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>, options: PostOptions): Request {
  const { method = "POST", url = "http://receiver.test/api/v1/write" } = options;
  const all = Object.entries({ ...headers, ...options.headers })
    .flatMap(([name, value]): [string, string][] => value === undefined ? [] : [[name, value]]);
  const withBody = method === "GET" || method === "HEAD" || method === "OPTIONS"
    ? {}
    : { body: options.body === undefined ? body : options.body, duplex: "half" };
  return new Request(url, { method, headers: all, ...withBody });
}

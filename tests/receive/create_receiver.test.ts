import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../src/model/errors.ts";
import { createReceiver, type ReceivedWrite, type ReceiverOptions, strictRules } from "../../src/receive/mod.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { headersV1, type InitV1, type InitV2, type PostOptions, postV1, postV2 } from "../support/requests.ts";

const oneSeries: InitV1 = {
  timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: 1000n }] }],
};
const oneSeriesV2: InitV2 = {
  symbols: ["", "__name__", "up"],
  timeseries: [
    { labelsRefs: [1, 2], samples: [{ value: 1, timestamp: 1000n }, { value: 2, timestamp: 2000n }] },
    { labelsRefs: [1, 2], histograms: [{ timestamp: 3000n }], exemplars: [{ value: 1 }, { value: 2 }, { value: 3 }] },
  ],
};
const writtenNames = ["Samples", "Histograms", "Exemplars"].map((kind) => `X-Prometheus-Remote-Write-${kind}-Written`);

/** Creates a receiver that keeps its writes and errors. */
function receiver(options: Partial<ReceiverOptions> = {}): {
  receive: (request: Request) => Promise<Response>;
  writes: ReceivedWrite[];
  errors: unknown[];
} {
  const writes: ReceivedWrite[] = [];
  const errors: unknown[] = [];
  const onWrite = (write: ReceivedWrite): void => void writes.push(write);
  return { receive: createReceiver({ onWrite, onError: (error) => errors.push(error), ...options }), writes, errors };
}

function written(response: Response): (string | null)[] {
  return writtenNames.map((name) => response.headers.get(name));
}

test("a 1.0 request is passed to onWrite and answered 204 without Written headers", async () => {
  const { receive, writes } = receiver();
  const response = await receive(
    postV1({ ...oneSeries, metadata: [{ type: 2, metricFamilyName: "up", help: "Up." }] }),
  );
  assert.deepEqual([response.status, await response.text(), ...written(response)], [204, "", null, null, null]);
  const [write] = writes;
  assert.equal(write?.version, "1.0");
  assert.deepEqual(write.timeSeries[0]?.samples, [{ value: 1, timestamp: 1000 }]);
  assert.deepEqual([...write.metadata], [["up", { type: "gauge", help: "Up." }]]);
  assert.equal(write.headers.get("User-Agent"), "test/1.0");
});

test("a 2.0 request is answered 204 with Written headers", async () => {
  const { receive, writes } = receiver();
  const response = await receive(postV2(oneSeriesV2));
  assert.deepEqual([response.status, ...written(response)], [204, "2", "1", "3"]);
  assert.equal(writes[0]?.version, "2.0");
});

test("a write has the sizes of the compressed body and of the message", async () => {
  const body = compress(Uint8Array.from(Array<number[]>(500).fill([0x38, 0x00]).flat()));
  const { receive, writes } = receiver();
  await receive(postV1({}, { body }));
  assert.deepEqual([writes[0]?.bodyBytes, writes[0]?.decodedBytes], [body.length, 1000]);
});

test("a receiver answers only after onWrite has resolved", async () => {
  let release = (): void => {};
  let enter = (): void => {};
  const entered = new Promise<void>((resolve) => enter = resolve);
  const { receive } = receiver({
    onWrite: () => {
      enter();
      return new Promise((resolve) => release = resolve);
    },
  });
  let answered = false;
  const answer = receive(postV1(oneSeries)).then(({ status }) => {
    answered = true;
    return status;
  });
  await entered;
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.equal(answered, false);
  release();
  assert.equal(await answer, 204);
});

type Post = (options: PostOptions) => Request;
const v1: Post = (options) => postV1(oneSeries, options);
const v2: Post = (options) => postV2(oneSeriesV2, options);
const framed = Uint8Array.of(0xff, 0x06, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59);

const statuses: readonly [title: string, request: () => Request, status: number, reason: RegExp][] = [
  ["GET", () => v1({ method: "GET" }), 405, /method is "GET", expected POST/],
  ["OPTIONS without cors", () => v1({ method: "OPTIONS" }), 405, /method is "OPTIONS"/],
  [
    "another content type",
    () => v1({ headers: { "Content-Type": "text/plain" } }),
    415,
    /Content-Type is "text\/plain"/,
  ],
  ["another message", () => v1({ headers: { "Content-Type": "application/x-protobuf;proto=a.B" } }), 415, /a\.B/],
  [
    "two messages",
    () =>
      v1({
        headers: {
          "Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest;proto=prometheus.WriteRequest",
        },
      }),
    415,
    /./,
  ],
  [
    "a message with the name of a property",
    () => v1({ headers: { "Content-Type": "application/x-protobuf;proto=toString" } }),
    415,
    /./,
  ],
  [
    "another encoding",
    () => v1({ headers: { "Content-Encoding": "gzip" } }),
    415,
    /Content-Encoding is "gzip", expected snappy/,
  ],
  ["an empty body", () => v1({ body: null }), 400, /cut off after 0 bytes/],
  ["a body that is not compressed", () => v1({ body: "hello" }), 400, /expected a snappy block/],
  ["a framed body", () => v1({ body: framed }), 400, /framed format, expected the block format/],
  [
    "a body that is not a message",
    () => v1({ body: Uint8Array.of(1, 0, 0x0b) }),
    400,
    /prometheus\.WriteRequest: .* a group/,
  ],
  [
    "a 2.0 body that is not a message",
    () => v2({ body: Uint8Array.of(1, 0, 0x0b) }),
    400,
    /write\.v2\.Request: .* a group/,
  ],
];

for (const [title, request, status, reason] of statuses) {
  test(`a receiver answers ${title} with ${status} and the reason`, async () => {
    const { receive, writes, errors } = receiver();
    const response = await receive(request());
    assert.equal(response.status, status);
    assert.match(await response.text(), reason);
    assert.match(response.headers.get("Content-Type") ?? "", /^text\/plain; ?charset=utf-8$/i);
    assert.equal(response.headers.get("Allow"), status === 405 ? "POST" : null);
    assert.deepEqual([writes, errors], [[], []]);
  });
}

test("a message of the other version is answered 400, although protobuf reads it as an empty message", async () => {
  for (const [own, other] of [[v1, v2], [v2, v1]] as const) {
    const { receive, writes } = receiver();
    const response = await receive(own({ body: await other({}).arrayBuffer() }));
    assert.equal(response.status, 400);
    assert.match(await response.text(), /the message has the field [145], expected only fields of the version/);
    assert.deepEqual(writes, []);
  }
  // An unknown field together with known ones is ignored.
  const body = compress(Uint8Array.of(0x0a, 0x00, 0x10, 0x01));
  assert.equal((await receiver().receive(postV1({}, { body }))).status, 204);
});

test("a refused 2.0 request has Written headers of 0", async () => {
  const response = await receiver().receive(v2({ body: "hello" }));
  assert.deepEqual([response.status, ...written(response)], [400, "0", "0", "0"]);
});

const tolerated: readonly [title: string, headers: Record<string, string | undefined>, version: string][] = [
  ["no version header", { "X-Prometheus-Remote-Write-Version": undefined }, "1.0"],
  ["no headers at all", Object.fromEntries(Object.keys(headersV1).map((name) => [name, undefined])), "1.0"],
  ["capitals", { "Content-Type": "Application/X-Protobuf", "Content-Encoding": "Snappy" }, "1.0"],
  ["another parameter", { "Content-Type": "application/x-protobuf; charset=utf-8" }, "1.0"],
  ["1.0's message named", { "Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest" }, "1.0"],
  [
    "2.0's message after a space",
    { "Content-Type": "application/x-protobuf; proto=io.prometheus.write.v2.Request" },
    "2.0",
  ],
  [
    "2.0's message in quotes",
    { "Content-Type": 'application/x-protobuf;Proto="io.prometheus.write.v2.Request"' },
    "2.0",
  ],
];

for (const [title, headers, version] of tolerated) {
  test(`a receiver without rules accepts a request with ${title} as ${version}`, async () => {
    const { receive, writes } = receiver();
    // The body is bytes, because a string would get a Content-Type.
    assert.equal((await receive(postV1({}, { headers }))).status, 204);
    assert.equal(writes[0]?.version, version);
  });
}

test("a receiver that accepts 1.0 only answers 2.0 with 415", async () => {
  const { receive } = receiver({ acceptVersions: ["1.0"] });
  const response = await receive(postV2(oneSeriesV2));
  assert.deepEqual([response.status, ...written(response)], [415, null, null, null]);
  assert.match(await response.text(), /expected remote write 1\.0$/m);
  assert.equal((await receive(postV1(oneSeries))).status, 204);
  assert.equal((await receiver({ acceptVersions: ["2.0"] }).receive(postV1(oneSeries))).status, 415);
});

/** A body of many chunks that counts how many were read. */
function chunked(
  count: number,
  chunk: Uint8Array<ArrayBuffer>,
): { body: ReadableStream<Uint8Array<ArrayBuffer>>; read: () => number; cancelled: () => boolean } {
  let read = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      if (read === count) controller.close();
      else {
        read++;
        controller.enqueue(chunk);
      }
    },
    cancel(): void {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, read: () => read, cancelled: () => cancelled };
}

test("a body whose Content-Length is too large is answered 413 and not read", async () => {
  const { body, read } = chunked(10, new Uint8Array(10));
  const response = await receiver({ maxBodyBytes: 99 }).receive(v1({ body, headers: { "Content-Length": "100" } }));
  assert.equal(response.status, 413);
  assert.match(await response.text(), /it is 100 bytes or more, expected at most 99/);
  assert.equal(read(), 0);
});

test("a body without Content-Length that is too large is answered 413 and not read to the end", async () => {
  const { body, read, cancelled } = chunked(1000, new Uint8Array(10));
  const response = await receiver({ maxBodyBytes: 25 }).receive(v2({ body }));
  assert.deepEqual([response.status, ...written(response)], [413, "0", "0", "0"]);
  assert.ok(read() <= 4, `${read()} chunks were read`);
  assert.equal(cancelled(), true);
});

test("a body of exactly the maximum size is accepted, in chunks of one byte", async () => {
  const message = compress(Uint8Array.from(Array<number[]>(100).fill([0x38, 0x00]).flat()));
  let index = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      if (index === message.length) controller.close();
      else controller.enqueue(message.slice(index, ++index));
    },
  });
  assert.equal((await receiver({ maxBodyBytes: message.length }).receive(v1({ body }))).status, 204);
});

test("a message that is larger than maxDecodedBytes is answered 413", async () => {
  const body = compress(new Uint8Array(1001));
  const response = await receiver({ maxDecodedBytes: 1000 }).receive(v1({ body }));
  assert.equal(response.status, 413);
  assert.match(await response.text(), /declared length is 1001 bytes, expected at most 1000/);
});

test("a message of too many objects is answered 413", async () => {
  // 60 kB on the wire, 1 MiB decoded, half a million series.
  const body = compress(Uint8Array.from({ length: 1 << 20 }, (_, index) => index % 2 === 0 ? 0x0a : 0x00));
  assert.ok(body.length < 60_000);
  const response = await receiver({ maxDecodedBytes: 1 << 20 }).receive(v1({ body }));
  assert.equal(response.status, 413);
  assert.match(await response.text(), /so many objects/);
});

test("a small request is accepted despite a small maxDecodedBytes", async () => {
  assert.equal((await receiver({ maxDecodedBytes: 100 }).receive(postV2(oneSeriesV2))).status, 204);
});

test("a body that is not read is cancelled", async () => {
  const { body, cancelled } = chunked(10, new Uint8Array(10));
  await receiver().receive(v1({ body, headers: { "Content-Encoding": "gzip" } }));
  assert.equal(cancelled(), true);
});

test("an error in onWrite is answered 500 without its message, and passed to onError", async () => {
  for (
    const fail of [(): void => {
      throw new Error("secret");
    }, (): Promise<void> => Promise.reject(new Error("secret"))]
  ) {
    const { receive, errors } = receiver({ onWrite: fail });
    const response = await receive(postV2(oneSeriesV2));
    assert.deepEqual([response.status, ...written(response)], [500, "0", "0", "0"]);
    assert.equal(await response.text(), "Cannot store the request: the receiver failed\n");
    assert.deepEqual(errors.map((error) => error instanceof Error && error.message), ["secret"]);
  }
});

test("an error in onViolation is answered 500 and passed to onError; a body that breaks off is no error of the receiver", async () => {
  const bad = (): never => {
    throw new Error("bad");
  };
  const strict = receiver({ strict: strictRules(), onViolation: bad });
  assert.equal((await strict.receive(v1({ headers: { "User-Agent": "x" } }))).status, 500);
  assert.equal(strict.errors.length, 1);
  const broken = receiver({ strict: strictRules(), onViolation: bad });
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(new Error("reset")),
  });
  assert.equal((await broken.receive(v1({ body }))).status, 400);
  assert.deepEqual(broken.errors, []);
});

test("a receiver with the option path answers 404 for every other path", async () => {
  const { receive } = receiver({ path: "/write" });
  const at = async (url: string): Promise<number> => (await receive(v1({ url }))).status;
  assert.deepEqual(
    [await at("http://a/write"), await at("http://a/write?x=1"), await at("http://a/"), await at("http://a/write/")],
    [204, 204, 404, 404],
  );
});

test("the option cors answers a preflight and lets the page read the responses", async () => {
  for (const [cors, origin] of [[true, "*"], ["https://example.com", "https://example.com"]] as const) {
    const { receive } = receiver({ cors });
    const names = "content-encoding,content-type,x-prometheus-remote-write-version";
    const preflight = await receive(v1({
      method: "OPTIONS",
      headers: { "Access-Control-Request-Headers": names, "Access-Control-Request-Method": "POST" },
    }));
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("Access-Control-Allow-Origin"), origin);
    assert.equal(preflight.headers.get("Access-Control-Allow-Methods"), "POST");
    assert.equal(preflight.headers.get("Access-Control-Allow-Headers"), names);
    for (const request of [postV2(oneSeriesV2), v2({ body: "hello" })]) {
      const response = await receive(request);
      assert.equal(response.headers.get("Access-Control-Allow-Origin"), origin);
      assert.equal(response.headers.get("Access-Control-Expose-Headers"), [...writtenNames, "Retry-After"].join(", "));
    }
  }
  const response = await receiver().receive(postV1(oneSeries));
  assert.equal(response.headers.get("Access-Control-Allow-Origin"), null);
});

/** Options as a program without types may pass them. */
const badOptions: readonly [options: object, message: string][] = [
  [{ onWrite: undefined }, "onWrite: it is undefined, expected a function"],
  [{ onViolation: "log" }, 'onViolation: it is "log", expected a function'],
  [{ maxBodyBytes: 0 }, "maxBodyBytes: it is 0, expected a whole number from 1"],
  [{ maxDecodedBytes: NaN }, "maxDecodedBytes: it is NaN, expected a whole number from 1"],
  [{ maxDecodedBytes: 9n }, "maxDecodedBytes: it is 9, expected a whole number from 1"],
  [{ path: null }, "path: it is null, expected a string that begins with /"],
  [{ path: "write" }, 'path: it is "write", expected a string that begins with /'],
  [
    { cors: "example.com" },
    'cors: it is "example.com", expected true, false or an origin such as https://example.com',
  ],
  [
    { cors: "https://example.com/" },
    'cors: it is "https://example.com/", expected true, false or an origin such as https://example.com',
  ],
  [{ acceptVersions: [] }, "acceptVersions: it is [], expected some of 1.0 and 2.0"],
  [{ acceptVersions: ["1.0", "3.0"] }, 'acceptVersions: it is ["1.0","3.0"], expected some of 1.0 and 2.0'],
  ...[[true, "true"], [false, "false"], [strictRules, "a function"]].map(([strict, shown]): [object, string] => [
    { strict },
    `strict: it is ${shown}, expected strictRules(), which k6-remote-write/receiver exports`,
  ]),
  // A secret is never shown.
  [{ token: "" }, 'token: it is "***", expected a string that is not empty'],
  [{ user: "a", password: 7 }, 'password: it is "***", expected a string that is not empty'],
  [{ user: "a" }, "password: it is undefined, expected it with user"],
  [{ password: "p" }, "user: it is undefined, expected it with password"],
  [{ user: "a:b", password: "p" }, 'user: it is "a:b", expected a name without a colon'],
  [{ allowHosts: "localhost" }, 'allowHosts: it is "localhost", expected a list of host names without ports'],
  [{ maxBytesInFlight: 0 }, "maxBytesInFlight: it is 0, expected a whole number from 1"],
  [{ bodyTimeoutMs: -1 }, "bodyTimeoutMs: it is -1, expected a whole number from 1"],
  [{ maxBodyByte: 1 }, "maxBodyByte: there is no such option, expected maxBodyBytes"],
  [{ onwrite: 1 }, "onwrite: there is no such option, expected onWrite"],
  [
    { toString: 1 },
    "toString: there is no such option, expected an option from its documentation",
  ],
];

for (const [options, message] of badOptions) {
  test(`createReceiver throws for the option ${message}`, () => {
    assert.throws(() => receiver(options), new ConfigurationError(`Cannot use the option ${message}`));
  });
}

test("strictRules throws for a wrong or unknown option", () => {
  const rulesOf = (options: object): unknown => strictRules(options);
  for (
    const [options, message] of [
      [{ maxTrackedSeries: 1.5 }, "maxTrackedSeries: it is 1.5, expected a whole number from 1"],
      [{ maxSeries: 10 }, "maxSeries: there is no such option, expected maxTrackedSeries"],
    ] as const
  ) assert.throws(() => rulesOf(options), new ConfigurationError(`Cannot use the option ${message}`));
});

test("receivers with the same rules remember only their own series", async () => {
  const strict = strictRules();
  const first = receiver({ strict });
  const second = receiver({ strict });
  for (const timestamp of [2000n, 1000n]) {
    const init: InitV1 = {
      timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp }] }],
    };
    const { receive } = timestamp === 2000n ? first : second;
    assert.equal((await receive(postV1(init))).status, 204);
  }
});

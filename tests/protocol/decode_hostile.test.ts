import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, TooLargeError } from "../../src/model/errors.ts";
import type { DecodedRequest } from "../../src/protocol/decode.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";

/** Returns the bytes of a length-delimited field with this number and body. */
function field(number: number, ...body: number[]): number[] {
  return [number << 3 | 2, ...varint(body.length), ...body];
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...varint(Math.floor(value / 0x80))];
}

const v1 = (...bytes: number[]): DecodedRequest => decodeV1(Uint8Array.from(bytes));
const v2 = (...bytes: number[]): DecodedRequest => decodeV2(Uint8Array.from(bytes));
const series = (...body: number[]): number[] => field(1, ...body);
const sample = (...body: number[]): number[] => series(...field(2, ...body));
const histogram = (...body: number[]): number[] => series(...field(4, ...body));
const double = (...bytes: number[]): number[] => [...bytes, ...Array<number>(8 - bytes.length).fill(0)].slice(0, 8);
const nines = Array<number>(9).fill(0xff);

const rejected: readonly [title: string, run: () => unknown, message: RegExp][] = [
  ["a truncated tag", () => v1(0x80), /a field's tag at byte 0 is a truncated varint/],
  ["field number 0", () => v1(0x02, 0x00), /a field's number at byte 0 is out of range/],
  ["a tag over 32 bits", () => v1(0xff, 0xff, 0xff, 0xff, 0xff, 0x01), /a field's number at byte 0/],
  [
    "a length beyond the end",
    () => v1(0x0a, 0x05, 0x00),
    /WriteRequest\.timeseries at byte 1 is 5 bytes long, expected at most the 1/,
  ],
  [
    "a length of 64 bits",
    () => v1(0x0a, ...nines, 0x01),
    /WriteRequest\.timeseries at byte 1 is 1844674407370955\d+ bytes long/,
  ],
  [
    "a length beyond the message around it",
    () => v1(...series(0x12, 0x05), 0, 0, 0, 0, 0),
    /TimeSeries\.samples at byte 3 is 5 bytes/,
  ],
  [
    "a varint cut off by the message around it",
    () => v1(...sample(0x10, 0x80), 0x01),
    /Sample\.timestamp at byte 5 is a truncated/,
  ],
  [
    "a varint over 10 bytes",
    () => v1(...sample(0x10, ...nines, 0xff, 0x01)),
    /Sample\.timestamp at byte 5 is a varint over 10/,
  ],
  [
    "a double cut off",
    () => v1(...sample(0x09, 0, 0, 0)),
    /Sample\.value at byte 5 is cut off after 3 bytes, expected 8/,
  ],
  [
    "a varint instead of a message",
    () => v1(0x08, 0x00),
    /WriteRequest\.timeseries at byte 1 is a varint, expected length-/,
  ],
  [
    "32 bits instead of a double",
    () => v1(...sample(0x0d, 0, 0, 0, 0)),
    /Sample\.value at byte 5 is 32 bits, expected 64/,
  ],
  [
    "a string instead of a varint",
    () => v1(...sample(0x12, 0x00)),
    /Sample\.timestamp at byte 5 is length-delimited/,
  ],
  [
    "packed values instead of one",
    () => v1(...sample(0x0a, 8, ...double())),
    /Sample\.value .* is length-delimited/,
  ],
  [
    "a group of an unknown number",
    () => v1(0x7b, 0x7c),
    /field 15 at byte 1 is a group, expected a wire type of proto3/,
  ],
  ["a group's end", () => v1(0x7c), /field 15 at byte 1 is a group's end/],
  ["a group instead of a message", () => v1(0x0b, 0x0c), /WriteRequest\.timeseries at byte 1 is a group/],
  ["wire type 7", () => v1(0x7f), /field 15 at byte 1 is of the unknown wire type 7/],
  ["an unknown field cut off", () => v1(0x79, 0, 0), /field 15 at byte 1 is cut off after 2 bytes, expected 8/],
  [
    "a label name that is not UTF-8",
    () => v1(...series(...field(1, ...field(1, 0xc3, 0x28)))),
    /Label\.name at byte 6 is not UTF-8/,
  ],
  [
    "a label value of surrogates",
    () => v1(...series(...field(1, ...field(2, 0xed, 0xa0, 0x80)))),
    /Label\.value at byte 6 is not/,
  ],
  [
    "a family name that is not UTF-8",
    () => v1(...field(3, ...field(2, 0xff))),
    /MetricMetadata\.metric_family_name at byte 4 is not UTF-8/,
  ],
  [
    "a timestamp from 2^53 on",
    () => v1(...sample(0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)),
    /Sample\.timestamp at byte 5 is about 9007199254740992/,
  ],
  [
    "a timestamp of -2^53",
    () => v1(...sample(0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xf0, 0xff, 0x01)),
    /Sample\.timestamp .* -9007199254740992/,
  ],
  [
    "a count from 2^53 on",
    () => v1(...histogram(0x08, ...nines, 0x01)),
    /Histogram\.count_int at byte 5 is about 18446744073709552000/,
  ],
  [
    "a difference of 2^63",
    () => v1(...histogram(0x48, ...nines, 0x01)),
    /Histogram\.negative_deltas at byte 5 is about -922337203/,
  ],
  [
    "differences that add up to 2^53",
    () => v1(...histogram(...field(12, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x02))),
    /Histogram\.positive_deltas .* added up/,
  ],
  [
    "packed doubles cut off",
    () => v1(...histogram(...field(13, 0, 0, 0))),
    /Histogram\.positive_counts at byte 6 is cut off after 3/,
  ],
  [
    "float buckets with an integer count",
    () => v1(...histogram(0x08, 1, ...field(13, ...double()))),
    /Histogram\.positive_counts .* is present, expected none, as the count is an integer/,
  ],
  [
    "integer buckets with a float count",
    () => v1(...histogram(0x11, ...double(), ...field(9, 2))),
    /Histogram\.negative_deltas .* is present, expected none, as the count is a float/,
  ],
  [
    "a float zero bucket with an integer count",
    () => v1(...histogram(0x08, 1, 0x39, ...double())),
    /Histogram\.zero_count_float .* is present, expected none, as the count is an integer/,
  ],
  [
    "an integer zero bucket with a float count",
    () => v1(...histogram(0x30, 1, 0x11, ...double())),
    /Histogram\.zero_count_int .* is present, expected none, as the count is a float/,
  ],
  [
    "a label that refers to a symbol that is not UTF-8",
    () => v2(...field(4), ...field(4, 0xff), ...field(5, ...field(1, 0, 1))),
    /TimeSeries\.labels_refs at byte 11 is symbol 1, which is not UTF-8, expected UTF-8/,
  ],
  [
    "a reference to a missing symbol",
    () => v2(...field(4), ...field(5, ...field(1, 0, 1))),
    /TimeSeries\.labels_refs at byte 8 is symbol 1, expected one of 1 symbols/,
  ],
  [
    "a reference of 2^32 - 1",
    () => v2(...field(4), ...field(5, ...field(1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f))),
    /symbol 4294967295/,
  ],
  [
    "an odd number of references",
    () => v2(...field(4), ...field(5, ...field(1, 0))),
    /TimeSeries\.labels_refs at byte 7 is 1 references, expected pairs/,
  ],
  [
    "an exemplar's reference to a missing symbol",
    () => v2(...field(4), ...field(5, ...field(4, ...field(1, 0, 9)))),
    /Exemplar\.labels_refs .* symbol 9/,
  ],
  [
    "a help text that is a missing symbol",
    () => v2(...field(4), ...field(5, ...field(5, 0x18, 7))),
    /Metadata\.help_ref .* symbol 7/,
  ],
];

for (const [title, run, message] of rejected) {
  test(`decoding rejects ${title}`, () => {
    assert.throws(run, (error) => {
      assert.ok(error instanceof FormatError && !(error instanceof TooLargeError), String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

test("decoding rejects every request that is cut within a message, and no other", () => {
  // Two series, cut at every byte. Only the cut between the two leaves a valid request.
  const one = sample(0x09, ...double(1), 0x10, 0x05);
  const bytes = Uint8Array.from([...one, ...one]);
  for (let length = 0; length < bytes.length; length++) {
    const run = (): unknown => decodeV1(bytes.subarray(0, length));
    if (length % one.length === 0) assert.doesNotThrow(run);
    else assert.throws(run, { name: "FormatError" });
  }
});

test("decoding skips unknown fields of every wire type, in every message", () => {
  const unknown = [0x98, 0x06, 0x07, 0x99, 0x06, ...double(), 0x9a, 0x06, 0x02, 0x08, 0x01, 0x9d, 0x06, 0, 0, 0, 0];
  const bytes = [
    ...unknown,
    ...field(1, ...unknown, ...field(1, ...unknown, ...field(1, 0x61)), ...field(2, ...unknown, 0x10, 0x05)),
    // The start timestamp of 2.0 is unknown in 1.0.
    ...sample(0x18, 0x09),
  ];
  assert.deepEqual(v1(...bytes).timeSeries, [
    {
      labels: [{ name: "a", value: "" }],
      samples: [{ value: 0, timestamp: 5 }],
      histograms: undefined,
      exemplars: undefined,
    },
    { labels: [], samples: [{ value: 0, timestamp: 0 }], histograms: undefined, exemplars: undefined },
  ]);
});

test("decoding accepts repeated numbers that are packed, single, or both", () => {
  const packed = histogram(0x08, 3, ...field(12, 2, 2), ...field(12));
  const single = histogram(0x08, 3, 0x60, 2, 0x60, 2);
  const both = histogram(0x08, 3, ...field(12, 2), 0x60, 2);
  for (const bytes of [packed, single, both]) {
    assert.deepEqual(v1(...bytes).timeSeries[0]?.histograms?.[0]?.positiveCounts, [1, 2]);
  }
  const refs = [...field(4), ...field(4, 0x61), ...field(4, 0x62), ...field(5, 0x08, 1, ...field(1, 2, 1), 0x08, 2)];
  assert.deepEqual(v2(...refs).timeSeries[0]?.labels, [{ name: "a", value: "b" }, { name: "a", value: "b" }]);
});

test("decoding accepts varints that are longer than necessary", () => {
  assert.equal(v1(...sample(0x90, 0x80, 0x00, 0x85, 0x80, 0x80, 0x00)).timeSeries[0]?.samples?.[0]?.timestamp, 5);
});

test("decoding keeps the last value of a field or oneof that is sent twice", () => {
  assert.equal(v1(...sample(0x10, 1, 0x10, 2)).timeSeries[0]?.samples?.[0]?.timestamp, 2);
  const { count, float } = v1(...histogram(0x08, 7, 0x11, ...double())).timeSeries[0]?.histograms?.[0] ?? {};
  assert.deepEqual([count, float], [0, true]);
});

const nans: readonly [title: string, bits: bigint, kind: "stale" | "odd" | "ordinary"][] = [
  ["the staleness marker", 0x7ff0000000000002n, "stale"],
  ["Go's NaN", 0x7ff8000000000001n, "ordinary"],
  ["JavaScript's NaN", 0x7ff8000000000000n, "ordinary"],
  ["x86's NaN", 0xfff8000000000000n, "ordinary"],
  ["a marker made quiet", 0x7ff8000000000002n, "odd"],
  ["a negative marker", 0xfff0000000000002n, "odd"],
  ["another signalling NaN", 0x7ff0000000000001n, "odd"],
  ["infinity", 0x7ff0000000000000n, "ordinary"],
];

for (const [title, bits, kind] of nans) {
  test(`decoding reads ${title} as ${kind}, in samples and histograms`, () => {
    const bytes = [...new Uint8Array(BigUint64Array.of(bits).buffer)];
    const { timeSeries, oddNans } = v1(...sample(0x09, ...bytes), ...histogram(0x19, ...bytes));
    const values = [timeSeries[0]?.samples?.[0], timeSeries[1]?.histograms?.[0]];
    assert.deepEqual(values.map((value) => value?.stale), kind === "stale" ? [true, true] : [undefined, undefined]);
    assert.deepEqual([...oddNans], kind === "odd" ? values : []);
  });
}

/** Requests of a few repeated bytes that make many objects. */
const bombs: readonly [title: string, decode: typeof decodeV1, bytes: (count: number) => number[]][] = [
  ["empty series", decodeV1, (count) => Array<number[]>(count).fill(field(1)).flat()],
  ["empty labels", decodeV1, (count) => series(...Array<number[]>(count).fill(field(1)).flat())],
  ["empty samples", decodeV1, (count) => series(...Array<number[]>(count).fill(field(2)).flat())],
  ["empty exemplars", decodeV1, (count) => series(...Array<number[]>(count).fill(field(3)).flat())],
  ["empty histograms", decodeV1, (count) => series(...Array<number[]>(count).fill(field(4)).flat())],
  ["empty spans", decodeV1, (count) => histogram(...Array<number[]>(count).fill(field(8)).flat())],
  ["packed differences", decodeV1, (count) => histogram(...field(9, ...new Uint8Array(count)))],
  ["metadata", decodeV1, (count) => Array<number[]>(count).fill(field(3)).flat()],
  ["empty symbols", decodeV2, (count) => Array<number[]>(count).fill(field(4)).flat()],
  ["references", decodeV2, (count) => [...field(4), ...field(5, ...field(1, ...new Uint8Array(count)))]],
];

for (const [title, decode, make] of bombs) {
  test(`decoding charges ${title} to the memory budget, and rejects a request over the budget as too large`, () => {
    const bytes = Uint8Array.from(make(20_000));
    const maxMemoryBytes = 200_000;
    assert.throws(
      () => decode(bytes, { maxMemoryBytes }),
      (error) => error instanceof TooLargeError && /more than 200000 bytes of memory/.test(error.message),
    );
    assert.doesNotThrow(() => decode(bytes, { maxMemoryBytes: 20_000 * 600 }));
  });
}

test("decoding does not charge fields that it skips", () => {
  const unknown = Array<number[]>(50_000).fill([0x38, 0x00]).flat();
  assert.deepEqual(decodeV1(Uint8Array.from(unknown), { maxMemoryBytes: 1 }).timeSeries, []);
});

test("decoding charges a long symbol for each reference", () => {
  const labelled = (count: number): Uint8Array =>
    Uint8Array.from([
      ...field(4),
      ...field(4, ...new Uint8Array(10_000).fill(0x61)),
      ...Array<number[]>(count).fill(field(5, ...field(1, 1, 1))).flat(),
    ]);
  assert.equal(decodeV2(labelled(50), { maxMemoryBytes: 2_000_000 }).timeSeries.length, 50);
  assert.throws(() => decodeV2(labelled(100), { maxMemoryBytes: 2_000_000 }), TooLargeError);
});

test("decoding charges a long help text for each series that has it", () => {
  const helped = (count: number): Uint8Array =>
    Uint8Array.from([
      ...field(4),
      ...field(4, ...new Uint8Array(10_000).fill(0x61)),
      ...Array<number[]>(count).fill(field(5, ...field(5, 0x18, 1))).flat(),
    ]);
  assert.equal(decodeV2(helped(50), { maxMemoryBytes: 1_000_000 }).timeSeries[49]?.metadata?.help?.length, 10_000);
  assert.throws(() => decodeV2(helped(100), { maxMemoryBytes: 1_000_000 }), TooLargeError);
});

test("help or a unit that is not UTF-8 is dropped, and the rest of the request is kept", () => {
  const [a, u] = [0x61, 0x75];
  const meta = (...fields: number[]): number[] => field(3, 0x08, 1, ...field(2, a), ...fields);
  const { metadata, timeSeries } = v1(...meta(...field(4, 0xff), ...field(5, u)), ...sample(0x10, 5));
  assert.deepEqual([...metadata], [["a", { type: "counter", unit: "u" }]]);
  assert.equal(timeSeries.length, 1);
  assert.deepEqual([...v1(...meta(...field(4, u), ...field(5, 0xc3))).metadata], [["a", {
    type: "counter",
    help: "u",
  }]]);
  // The symbols: "", a damaged one, "u".
  const symbols = [...field(4), ...field(4, 0xff), ...field(4, u)];
  const ofSeries = field(5, ...field(1, 2, 2), ...field(5, 0x08, 1, 0x18, 1, 0x20, 2));
  const [series] = v2(...symbols, ...ofSeries).timeSeries;
  assert.deepEqual(series?.metadata, { type: "counter", unit: "u" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { FormatError, TooLargeError } from "../../src/model/errors.ts";
import type { Label } from "../../src/model/time_series.ts";
import type { DecodedRequest } from "../../src/protocol/decode.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { KnownLabels, type KnownSeries } from "../../src/protocol/known_labels.ts";
import { Random } from "../support/mutate.ts";

const labelsOf = (index: number): Label[] => [
  { name: "__name__", value: "requests_total" },
  { name: "route", value: `/route/${index}` },
];

function bytesV1(series: readonly Label[][]): Uint8Array {
  const timeseries = series.map((labels) => ({ labels, samples: [{ value: 1, timestamp: 1n }] }));
  return toBinary(WriteRequestSchema, create(WriteRequestSchema, { timeseries }));
}

function bytesV2(series: readonly Label[][]): Uint8Array {
  const symbols = [...new Set(["", ...series.flat().flatMap(({ name, value }) => [name, value])])];
  const timeseries = series.map((labels) => ({
    labelsRefs: labels.flatMap(({ name, value }) => [symbols.indexOf(name), symbols.indexOf(value)]),
    samples: [{ value: 1, timestamp: 1n }],
  }));
  return toBinary(RequestSchema, create(RequestSchema, { symbols, timeseries }));
}

/** Returns the series of a memory. All their hashes are below a number. */
function remembered(known: KnownLabels, hashes: number): KnownSeries[] {
  return Array.from({ length: hashes }, (_, hash) => known.find(hash) ?? []).flat();
}

const versions = [
  { version: "1.0", decode: decodeV1, bytes: bytesV1 },
  { version: "2.0", decode: decodeV2, bytes: bytesV2 },
] as const;

const labelsIn = ({ timeSeries }: DecodedRequest): (readonly Label[])[] => timeSeries.map(({ labels }) => labels);
const range = (count: number, from = 0): Label[][] => Array.from({ length: count }, (_, at) => labelsOf(from + at));

for (const { version, decode, bytes } of versions) {
  test(`${version}: a series of an earlier request has the same labels object, in any order`, () => {
    const known = new KnownLabels();
    const first = labelsIn(decode(bytes(range(10)), { known }));
    assert.deepEqual(first, range(10));
    for (const order of [range(10), range(10).reverse(), [...range(5, 5), ...range(5)], range(1, 7), range(10)]) {
      const labels = labelsIn(decode(bytes(order), { known }));
      assert.deepEqual(labels, order);
      for (const each of labels) assert.ok(first.includes(each), JSON.stringify(each));
    }
    assert.equal(known.size, 10);
  });

  test(`${version}: labels that requests share cannot be changed`, () => {
    const known = new KnownLabels();
    const [labels = []] = labelsIn(decode(bytes(range(1)), { known }));
    assert.throws(() => Object.assign(labels[0] ?? {}, { value: "other" }), TypeError);
    assert.throws(() => Object.assign(labels, [{ name: "a", value: "b" }]), TypeError);
  });

  test(`${version}: a full memory keeps the series that are sent again, and then takes new ones instead of the others`, () => {
    const known = new KnownLabels(20_000);
    const isKnown = (series: Label[][]): boolean[] => {
      const [one, other] = [0, 1].map(() => labelsIn(decode(bytes(series), { known })));
      return one?.map((labels, at) => labels === other?.[at]) ?? [];
    };
    const all = isKnown(range(300));
    const size = known.size;
    assert.ok(size > 20 && size < 200, `${size} series`);
    assert.equal(all.filter(Boolean).length, size);
    // The memory is full, and all of its series come again and again.
    for (let round = 0; round < 5; round++) decode(bytes(range(300)), { known });
    assert.deepEqual(isKnown(range(size)), Array(size).fill(true));
    // They do not come any more.
    for (let round = 0; round < 500; round++) decode(bytes(range(size, 5000)), { known });
    const newer = isKnown(range(size, 5000)).filter(Boolean).length;
    // Their names are longer, so that fewer have room.
    assert.ok(newer >= size - 5, `${newer} of ${size}`);
    assert.ok(known.size <= size + 1, `${known.size} series`);
  });

  test(`${version}: a memory takes no more than its size, with two bytes for each character`, () => {
    const known = new KnownLabels(20_000);
    const series = [5_000, 7_000, ...Array(20).fill(400)].map((length, at): Label[] => [
      { name: "__name__", value: `${at}_`.padEnd(length, "x") },
    ]);
    const [one = [], other = []] = [0, 1].map(() => labelsIn(decode(bytes(series), { known })));
    const kept = one.filter((labels, at) => labels === other[at]).map((labels) => 2 * (labels[0]?.value.length ?? 0));
    const size = kept.reduce((a, b) => a + b, 0);
    assert.ok(kept.length > 1 && size > 10_000 && size < 20_000, `${size} bytes in ${kept.length} series`);
  });

  test(`${version}: a recognised series uses up as much of the memory limit as a new one`, () => {
    const known = new KnownLabels();
    const request = bytes(range(100));
    const limits = [1_000, 10_000, 20_000, 25_000, 28_000, 30_000, 35_000, 40_000, 50_000, 100_000];
    const fits = (maxMemoryBytes: number): boolean => {
      try {
        decode(request, { maxMemoryBytes, known });
        return true;
      } catch (error) {
        assert.ok(error instanceof TooLargeError);
        return false;
      }
    };
    const before = limits.map(fits);
    decode(request, { known });
    const after = limits.map(fits);
    assert.ok(before.includes(false) && after.includes(false) && after.includes(true));
    // Its strings exist already, so it may need less.
    assert.ok(after.indexOf(true) >= before.indexOf(true) - 3, `${before} ${after}`);
  });
}

test("a forgotten series is not expected, and no remembered series keeps it in memory", () => {
  for (const hashes of [3, 30, 300]) {
    const known = new KnownLabels(10_000);
    const random = new Random(hashes);
    for (let index = 0; index < 3000; index++) {
      if (random.below(20) === 0) known.begin();
      const hash = random.below(hashes);
      const seen = random.below(2) === 0 ? known.expected : known.find(hash);
      if (seen !== undefined && random.below(2) === 0) known.see(seen);
      else known.add(labelsOf(index), { hash, memoryBytes: 96, bytes: new Uint8Array(1 + random.below(40)) });
      if (index % 10 !== 0) continue;
      const all = remembered(known, hashes);
      assert.equal(all.length, known.size);
      for (const next of [known.expected, ...all.map(({ next }) => next)]) {
        assert.ok(next === undefined || all.includes(next), `series ${index}`);
      }
    }
  }
});

test("the bytes of forgotten series are not kept in memory by those of remembered ones", () => {
  const known = new KnownLabels(10_000);
  const hashes = 1000;
  for (let hash = 0; hash < hashes; hash++) {
    known.add(labelsOf(hash), { hash, memoryBytes: 96, bytes: new Uint8Array(50) });
    // One of eight series comes again and again.
    for (const series of remembered(known, hash).filter((_, at) => at % 8 === 0)) known.see(series);
  }
  const all = remembered(known, hashes).map(({ bytes = new Uint8Array() }) => bytes);
  const sizeOf = (list: readonly { readonly byteLength: number }[]): number =>
    list.reduce((size, { byteLength }) => size + byteLength, 0);
  const kept = sizeOf([...new Set(all.map(({ buffer }) => buffer))]);
  assert.ok(kept < 1.3 * sizeOf(all) + 1024, `${kept} bytes for ${sizeOf(all)} in ${all.length} series`);
});

test("1.0: labels behind the samples belong to their series only", () => {
  const known = new KnownLabels();
  const request = bytesV1(range(1));
  const [labels] = range(1);
  // The message of one series, and a label at its end.
  const label = [0x0a, 0x06, 0x0a, 0x01, 0x78, 0x12, 0x01, 0x79];
  const longer = Uint8Array.from([0x0a, (request[1] ?? 0) + label.length, ...request.slice(2), ...label]);
  for (
    const [bytes, expected] of [[request, labels], [longer, [...labels ?? [], { name: "x", value: "y" }]]] as const
  ) {
    for (let round = 0; round < 2; round++) assert.deepEqual(labelsIn(decodeV1(bytes, { known })), [expected]);
  }
  assert.equal(known.size, 1);
});

test("2.0: series whose long strings differ only at the beginning or the end are recognised", () => {
  const known = new KnownLabels();
  const path = "x".repeat(300);
  const series = [`a${path}a`, `b${path}a`, `a${path}b`].map((value) => [{ name: "url", value }]);
  const [one = [], other = []] = [0, 1].map(() => labelsIn(decodeV2(bytesV2(series), { known })));
  one.forEach((labels, at) => assert.equal(labels, other[at]));
  assert.equal(known.size, 3);
});

test("series with the same hash are told apart, and the first is recognised", () => {
  const known = new KnownLabels();
  // Only the middle differs.
  const series = ["a", "b"].map((middle) => [{ name: "url", value: "x".repeat(200) + middle + "x".repeat(200) }]);
  const [first] = labelsIn(decodeV2(bytesV2(series), { known }));
  for (const order of [series, series.toReversed()]) {
    const labels = labelsIn(decodeV2(bytesV2(order), { known }));
    assert.deepEqual(labels, order);
    assert.ok(labels.some((each) => each === first));
  }
});

test("2.0: a symbol that is not UTF-8 is not taken for a known string", () => {
  const known = new KnownLabels();
  // The decoder puts U+FFFD and the symbol's number in the place of a symbol that is not UTF-8.
  const lookAlike = [[{ name: "__name__", value: "\uFFFD2" }]];
  assert.deepEqual(labelsIn(decodeV2(bytesV2(lookAlike), { known })), lookAlike);
  const bytes = bytesV2([[{ name: "__name__", value: "abcd" }]]);
  const at = bytes.findIndex((byte, index) => byte === 0x61 && bytes[index + 1] === 0x62);
  bytes[at] = 0xff;
  assert.throws(
    () => decodeV2(bytes, { known }),
    (error) => error instanceof FormatError && /symbol 2, which is not UTF-8/.test(error.message),
  );
});

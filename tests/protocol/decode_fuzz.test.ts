import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { FormatError } from "../../src/model/errors.ts";
import { createReceiver, strictRules } from "../../src/receive/mod.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { KnownLabels } from "../../src/protocol/known_labels.ts";
import { compress, decompress } from "../../src/protocol/snappy.ts";
import { mutate, Random, seeds } from "../support/mutate.ts";
import { plainSeriesV1, plainSeriesV2 } from "../support/plain_form.ts";
import { type InitV1, postV1, postV2 } from "../support/requests.ts";
import { slowRuns } from "../support/runs.ts";

// scripts/fuzz_decoder.ts runs a million mutations of the same kind.
const mutations = slowRuns(5000);
const corpus = seeds();

/** Returns the series without `stale`, which the generated types do not have. */
function withoutStale(list: readonly TimeSeries[]): TimeSeries[] {
  const strip = <T extends { readonly stale?: boolean }>({ stale: _, ...rest }: T): Omit<T, "stale"> => rest;
  return list.map((series) => ({
    ...series,
    samples: series.samples?.map(strip),
    histograms: series.histograms?.map(strip),
  }));
}

for (const version of ["1.0", "2.0"] as const) {
  const own = corpus.filter((seed) => seed.version === version).map(({ bytes }) => bytes);
  const decode = version === "1.0" ? decodeV1 : decodeV2;
  const reference = (bytes: Uint8Array): TimeSeries[] =>
    version === "1.0"
      ? plainSeriesV1(fromBinary(WriteRequestSchema, bytes))
      : plainSeriesV2(fromBinary(RequestSchema, bytes));

  test(`a mutated ${version} request decodes to what the generated types decode, or is rejected`, () => {
    const random = new Random(40);
    let decoded = 0;
    let damagedTexts = 0;
    for (let index = 0; index < mutations; index++) {
      const bytes = mutate(own[random.below(own.length)] ?? new Uint8Array(), { random, others: own });
      let timeSeries: TimeSeries[];
      try {
        ({ timeSeries } = decode(bytes));
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
        continue;
      }
      let expected: TimeSeries[];
      try {
        expected = reference(bytes);
      } catch {
        // The decoder drops a help or unit that is not UTF-8; the generated types reject the request.
        damagedTexts++;
        continue;
      }
      assert.deepEqual(withoutStale(timeSeries), expected);
      decoded++;
    }
    assert.ok(damagedTexts < mutations / 20, `the generated types reject ${damagedTexts} requests that were decoded`);
    assert.ok(decoded > mutations / 20 && decoded < mutations, `${decoded} of ${mutations} were decoded`);
  });
}

for (const version of ["1.0", "2.0"] as const) {
  const own = corpus.filter((seed) => seed.version === version).map(({ bytes }) => bytes);
  const decode = version === "1.0" ? decodeV1 : decodeV2;

  test(`a ${version} request decodes to the same whatever requests a receiver has decoded before`, () => {
    const random = new Random(43);
    const attempt = (bytes: Uint8Array, known?: KnownLabels): unknown => {
      try {
        const { oddNans, ...decoded } = decode(bytes, { known });
        return { ...decoded, oddNans: oddNans.size };
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
        return error.message;
      }
    };
    // The large memory remembers all series, and the small one forgets most.
    const memories = [new KnownLabels(), new KnownLabels(10_000)];
    let same = 0;
    for (let index = 0; index < mutations; index++) {
      const seed = own[random.below(own.length)] ?? new Uint8Array();
      const bytes = index % 3 === 0 ? seed : mutate(seed, { random, others: own });
      const expected = attempt(bytes);
      for (const known of memories) {
        assert.deepEqual(attempt(bytes, known), expected);
        same++;
      }
    }
    assert.equal(same, 2 * mutations);
    const [large, small] = memories;
    assert.ok((small?.size ?? 0) > 5 && (large?.size ?? 0) > 2 * (small?.size ?? 0));
  });
}

test("a mutated block decompresses to its declared length, or is rejected", () => {
  const blocks = corpus.map(({ bytes }) => compress(bytes));
  const random = new Random(41);
  let rejected = 0;
  for (let index = 0; index < mutations; index++) {
    const block = mutate(blocks[random.below(blocks.length)] ?? new Uint8Array(), { random, others: blocks });
    try {
      decompress(block, { maxDecodedBytes: 1 << 20 });
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      rejected++;
    }
  }
  assert.ok(rejected > 0 && rejected < mutations);
});

function newSeries(count: number, round: number): InitV1 {
  const timeseries = Array.from({ length: count }, (_, index) => ({
    labels: [{ name: "__name__", value: `new_${round}_${index}` }],
    samples: [{ value: 1, timestamp: 1n }],
  }));
  return { timeseries };
}

test("receivers answer mutated requests with 204, 400 or 413, strict or not", async () => {
  const random = new Random(42);
  const errors: unknown[] = [];
  const requests = slowRuns(4000);
  for (const strict of [strictRules({ maxTrackedSeries: 10 }), undefined]) {
    const receive = createReceiver({
      strict,
      onWrite: () => {},
      onError: (error) => errors.push(error),
    });
    const statuses = new Set<number>();
    for (let index = 0; index < requests; index++) {
      // Between them, valid requests with more new series than the receiver remembers.
      if (index % 10 === 0) assert.equal((await receive(postV1(newSeries(15, index)))).status, 204);
      const { version, bytes } = corpus[random.below(corpus.length)] ?? { version: "1.0", bytes: new Uint8Array() };
      const body = compress(mutate(bytes, { random, others: [bytes] }));
      const response = await receive(version === "1.0" ? postV1({}, { body }) : postV2({}, { body }));
      statuses.add(response.status);
      await response.body?.cancel();
    }
    assert.deepEqual([...statuses].filter((status) => ![204, 400, 413].includes(status)), []);
  }
  assert.deepEqual(errors, []);
});

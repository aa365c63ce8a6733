/**
 * Random messages of the generated types, for property tests of the decoder: whatever the schema allows, not only what a
 * sender may send.
 */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as v1 from "../../gen/proto/prometheus/remote_pb.ts";
import * as v2 from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";

/** Any character but a surrogate. The unit "binary" of fast-check is the same, but takes a second to build. */
export const character: fc.Arbitrary<string> = fc.integer({ min: 0, max: 0x10ffff - 0x800 })
  .map((index) => String.fromCodePoint(index < 0xd800 ? index : index + 0x800));
const text = fc.string({ maxLength: 20, unit: character });
// Lone surrogates are no UTF-8.
const wellFormed = text.map((value) => value.toWellFormed());
const safe = fc.maxSafeInteger().map(BigInt);
const label = fc.record({ name: wellFormed, value: wellFormed });
const span = fc.record({ offset: fc.integer(), length: fc.integer({ min: 0, max: 2 ** 32 - 1 }) });
const value = fc.double();
const nat = fc.maxSafeNat().map(BigInt);
const delta = fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n });
const few = { maxLength: 4 };

const integerKind = fc.record({
  count: fc.oneof(
    fc.record({ case: fc.constant("countInt" as const), value: nat }),
    fc.constant({ case: undefined }),
  ),
  zeroCount: fc.record({ case: fc.constant("zeroCountInt" as const), value: nat }),
  positiveDeltas: fc.array(delta, few),
  negativeDeltas: fc.array(delta, few),
});
const floatKind = fc.record({
  count: fc.record({ case: fc.constant("countFloat" as const), value }),
  zeroCount: fc.record({ case: fc.constant("zeroCountFloat" as const), value }),
  positiveCounts: fc.array(value, few),
  negativeCounts: fc.array(value, few),
});
const histogram = fc.tuple(
  fc.oneof(integerKind, floatKind),
  fc.record({
    sum: value,
    schema: fc.integer(),
    zeroThreshold: value,
    positiveSpans: fc.array(span, few),
    negativeSpans: fc.array(span, few),
    resetHint: fc.constantFrom<0 | 1 | 2 | 3>(0, 1, 2, 3),
    timestamp: safe,
    customValues: fc.array(value, few),
  }),
).map(([kind, rest]) => ({ ...kind, ...rest }));

/** Makes arbitrary messages of remote write 1.0. */
export const requestsV1: fc.Arbitrary<v1.WriteRequest> = fc.record({
  timeseries: fc.array(
    fc.record({
      labels: fc.array(label, few),
      samples: fc.array(fc.record({ value, timestamp: safe }), few),
      exemplars: fc.array(fc.record({ labels: fc.array(label, few), value, timestamp: safe }), few),
      histograms: fc.array(histogram, { maxLength: 2 }),
    }),
    few,
  ),
  metadata: fc.array(
    fc.record({
      type: fc.constantFrom<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7>(0, 1, 2, 3, 4, 5, 6, 7),
      metricFamilyName: wellFormed,
      help: wellFormed,
      unit: wellFormed,
    }),
    few,
  ),
}).map((init) => create(v1.WriteRequestSchema, init));

/** 2.0 requests whose references exist. */
export const requestsV2: fc.Arbitrary<v2.Request> = fc.array(wellFormed, { minLength: 1, maxLength: 300 })
  .map((symbols) => ["", ...symbols])
  .chain((symbols) => {
    const ref = fc.nat({ max: symbols.length - 1 });
    const refs = fc.array(fc.tuple(ref, ref), few).map((pairs) => pairs.flat());
    return fc.record({
      symbols: fc.constant(symbols),
      timeseries: fc.array(
        fc.record({
          labelsRefs: refs,
          samples: fc.array(fc.record({ value, timestamp: safe, startTimestamp: safe }), few),
          histograms: fc.array(
            fc.tuple(histogram, safe).map(([each, startTimestamp]) => ({ ...each, startTimestamp })),
            { maxLength: 2 },
          ),
          exemplars: fc.array(fc.record({ labelsRefs: refs, value, timestamp: safe }), few),
          metadata: fc.option(
            fc.record({
              type: fc.constantFrom<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7>(0, 1, 2, 3, 4, 5, 6, 7),
              helpRef: ref,
              unitRef: ref,
            }),
            { nil: undefined },
          ),
        }),
        few,
      ),
    });
  })
  .map((init) => create(v2.RequestSchema, init));

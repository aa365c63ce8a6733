/**
 * Decodes a native histogram, whose message is the same in both protocol versions.
 *
 * @module
 */
import type { BucketSpan, Histogram } from "../model/time_series.ts";
import { memoryBytes, type ValueContext } from "./decode.ts";
import { type NanKind, nanKind } from "./decode_sample.ts";
import type { ProtoReader } from "./proto_reader.ts";

/** Reads a Histogram. The differences of an integer histogram become counts. */
export function readHistogram(reader: ProtoReader, context: ValueContext): Histogram {
  reader.charge(memoryBytes.histogram);
  let float = false;
  let count = 0;
  let sum = 0;
  let nan: NanKind = "ordinary";
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let zeroIsFloat: boolean | undefined;
  const negative: Side = { name: "negative", spans: [], deltas: [], counts: [] };
  const positive: Side = { name: "positive", spans: [], deltas: [], counts: [] };
  let resetHint = 0;
  let timestamp = 0;
  const customValues: number[] = [];
  let startTimestamp = 0;
  const outer = reader.enter("TimeSeries.histograms");
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        count = reader.uint64("Histogram.count_int");
        float = false;
        break;
      case 2:
        count = reader.double("Histogram.count_float");
        float = true;
        break;
      case 3:
        sum = reader.double("Histogram.sum");
        nan = nanKind(reader, sum);
        break;
      case 4:
        schema = reader.sint32("Histogram.schema");
        break;
      case 5:
        zeroThreshold = reader.double("Histogram.zero_threshold");
        break;
      case 6:
        zeroCount = reader.uint64("Histogram.zero_count_int");
        zeroIsFloat = false;
        break;
      case 7:
        zeroCount = reader.double("Histogram.zero_count_float");
        zeroIsFloat = true;
        break;
      case 8:
        negative.spans.push(readSpan(reader, "Histogram.negative_spans"));
        break;
      case 9:
        reader.sint64s("Histogram.negative_deltas", negative.deltas);
        break;
      case 10:
        reader.doubles("Histogram.negative_counts", negative.counts);
        break;
      case 11:
        positive.spans.push(readSpan(reader, "Histogram.positive_spans"));
        break;
      case 12:
        reader.sint64s("Histogram.positive_deltas", positive.deltas);
        break;
      case 13:
        reader.doubles("Histogram.positive_counts", positive.counts);
        break;
      case 14:
        resetHint = reader.int32("Histogram.reset_hint");
        break;
      case 15:
        timestamp = reader.int64("Histogram.timestamp");
        break;
      case 16:
        reader.doubles("Histogram.custom_values", customValues);
        break;
      case 17:
        if (context.startTimestamps) startTimestamp = reader.int64("Histogram.start_timestamp");
        else reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  if (zeroIsFloat === !float) failOtherKind(reader, `Histogram.zero_count_${float ? "int" : "float"}`, { float });
  const histogram = {
    timestamp,
    ...(startTimestamp !== 0 && { startTimestamp }),
    count,
    sum,
    schema,
    zeroThreshold,
    zeroCount,
    positiveSpans: positive.spans,
    positiveCounts: bucketCounts(reader, positive, { float }),
    negativeSpans: negative.spans,
    negativeCounts: bucketCounts(reader, negative, { float }),
    ...(float && { float }),
    ...(customValues.length > 0 && { customValues }),
    ...(resetHint !== 0 && { resetHint }),
    ...(nan === "stale" && { stale: true }),
  };
  if (nan === "odd") context.oddNans.add(histogram);
  return histogram;
}

/** The buckets of positive or negative observations. */
interface Side {
  readonly name: string;
  readonly spans: BucketSpan[];
  readonly deltas: number[];
  readonly counts: number[];
}

function readSpan(reader: ProtoReader, name: string): BucketSpan {
  reader.charge(memoryBytes.span);
  let offset = 0;
  let length = 0;
  const outer = reader.enter(name);
  while (reader.next()) {
    if (reader.field === 1) offset = reader.sint32("BucketSpan.offset");
    else if (reader.field === 2) length = reader.uint32("BucketSpan.length");
    else reader.skip();
  }
  reader.leave(outer);
  return { offset, length };
}

/** Rejects a field of the other kind, which readers that follow the kind of the count would silently ignore. */
function failOtherKind(reader: ProtoReader, name: string, { float }: { float: boolean }): never {
  reader.fail(name, `present, expected none, as the count is ${float ? "a float" : "an integer"}`);
}

/** Returns the counts of buckets. Changes the differences of an integer histogram in place. */
function bucketCounts(reader: ProtoReader, side: Side, { float }: { float: boolean }): number[] {
  const [counts, others] = float ? [side.counts, side.deltas] : [side.deltas, side.counts];
  const name = `Histogram.${side.name}_${float ? "deltas" : "counts"}`;
  if (others.length > 0) failOtherKind(reader, name, { float });
  if (float) return counts;
  let count = 0;
  counts.forEach((delta, index) => {
    count += delta;
    if (!Number.isSafeInteger(count)) {
      reader.fail(`Histogram.${side.name}_deltas`, `${count} added up, expected below 2^53`);
    }
    counts[index] = count;
  });
  return counts;
}

/**
 * The form in which a batch is stored: a compressed request of remote write 2.0. It has everything that 1.0 and 2.0 can send.
 *
 * @module
 */
import type { Exemplar } from "../model/time_series.ts";
import { Batch } from "./batch.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { decodeV2 } from "./decode_v2.ts";
import { EncoderV2 } from "./encode_v2.ts";
import type { NameEscaping } from "./name_escaping.ts";
import type { NameRules } from "./read_series.ts";
import { compress, decompress } from "./snappy.ts";
import { batchesOf, type TimeSeriesBatchOptions } from "./time_series_batch.ts";

/** The labels keep the order in which they were stored. */
const storedNames: NameRules = { allows: (name) => name !== "", compare: () => 0 };

/** Encodes batches. It remembers the strings of the series that it has encoded. */
export class BatchWriter {
  readonly #buffer = new ByteBuffer();
  readonly #encoder = new EncoderV2();

  /** Returns the stored form of a batch with at least one sample. */
  write(batch: Batch): Uint8Array<ArrayBuffer> {
    return compress(this.#encoder.encode({ batch, from: 0, to: batch.length }, this.#buffer));
  }
}

/** The sender for which stored batches are read: its number of shards, and how it escapes names for 1.0. */
type StoredBatchOptions = Pick<TimeSeriesBatchOptions, "shards" | "escaping">;

/**
 * Reads stored batches, which become one batch for each shard.
 *
 * @param stored oldest first
 * @throws FormatError if one of them is not the stored form of a batch
 */
export function readBatches(
  stored: readonly Uint8Array[],
  { shards, escaping }: StoredBatchOptions = {},
): readonly (Batch | undefined)[] {
  const series = stored.flatMap((bytes) => {
    const request = decompress(bytes, { maxDecodedBytes: Infinity });
    return decodeV2(request, { maxMemoryBytes: Infinity }).timeSeries;
  });
  return batchesOf(series, { shards, escaping, names: storedNames, isChecked: true });
}

/** Reads the stored form of one batch. @throws FormatError if the bytes are not one */
export function readBatch(stored: Uint8Array, escaping?: NameEscaping): Batch {
  return readBatches([stored], { escaping })[0] ?? new Batch();
}

/** Returns a batch with the newest sample of each series of stored batches. @throws FormatError if one of them is not one */
export function readNewest(stored: readonly Uint8Array[], escaping?: NameEscaping): Batch {
  const all = readBatches(stored, { escaping })[0] ?? new Batch();
  const newest = new Batch(Math.max(1, all.length));
  let exemplars: readonly Exemplar[] | undefined;
  for (let index = 0; index < all.length; index++) {
    // Exemplars belong to the first sample of their series.
    exemplars = all.exemplars.get(index) ?? exemplars;
    if (all.keyAt(index) === all.keyAt(index + 1)) continue;
    newest.copy(all, index);
    if (exemplars !== undefined) newest.setExemplars(newest.length - 1, exemplars.slice(-1));
    exemplars = undefined;
  }
  return newest;
}

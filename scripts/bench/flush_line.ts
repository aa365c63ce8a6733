/**
 * The library's own way from a sample to a compressed body, without the network.
 *
 * @module
 */
import { SeriesStore } from "../../src/k6/series/series_store.ts";
import { resolveOptions } from "../../src/k6/output/resolve_options.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { Collector } from "../../src/k6/series/collector.ts";
import { encodeV1 } from "../../src/protocol/encode_v1.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import { SeriesFactory } from "../../src/k6/series/series_factory.ts";
import { compress } from "../../src/protocol/snappy.ts";
import type { EncodedSeries } from "../../src/protocol/encoded_series.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { sendDefaults } from "../../src/send/defaults.ts";

/** Store, collector and encoders, put together as an output does. */
export class FlushLine {
  readonly store: SeriesStore<EncodedSeries>;
  readonly #collector: Collector;
  readonly #buffer = new ByteBuffer();
  readonly #encoderV2 = new EncoderV2();

  constructor() {
    const resolved = resolveOptions();
    const factory = new SeriesFactory({ ...resolved, runMetrics: new Set() });
    const onFailed = (_lost: number, error: unknown): void => {
      throw error;
    };
    this.#collector = new Collector(resolved.shards, { ...resolved, onFailed });
    this.store = new SeriesStore({
      open: (metric, tags) => factory.open(metric, tags),
      maxSeries: Infinity,
      onRefused: (reason) => {
        throw new Error(`A sample was refused: ${reason}`);
      },
    });
  }

  /** What came in since the last time. */
  collect(): Batch {
    const [batch] = this.#collector.collect(this.store.takePending());
    return batch ?? new Batch();
  }

  /** The requests of a batch, of as many samples as are sent at once; valid until the next is asked for. */
  *encode(batch: Batch, version: ProtocolVersion): Generator<Uint8Array<ArrayBuffer>> {
    for (let from = 0; from < batch.length; from += sendDefaults.maxSamplesPerSend) {
      const slice = { batch, from, to: Math.min(batch.length, from + sendDefaults.maxSamplesPerSend) };
      yield version === "1.0" ? encodeV1(slice, this.#buffer) : this.#encoderV2.encode(slice, this.#buffer);
    }
  }

  /** From the aggregates to compressed bodies; returns their size. */
  flush(version: ProtocolVersion): number {
    let bytes = 0;
    for (const request of this.encode(this.collect(), version)) bytes += compress(request).length;
    return bytes;
  }
}

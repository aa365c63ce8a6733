/**
 * Runs the library's path from a sample to a compressed body, without the network.
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
import { type EncodedSeries, isSameSeries } from "../../src/protocol/encoded_series.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { clientOptionDefinitions } from "../../src/client/client_options.ts";

const maxSamplesPerSend = clientOptionDefinitions.maxSamplesPerSend.default;

/** The store, the collector and the encoders, connected as in an output. */
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

      isSame: isSameSeries,
      maxSeries: Infinity,
      onRefused: (reason) => {
        throw new Error(`A sample was refused: ${reason}`);
      },
    });
  }

  /** Returns the batch of the samples that were added since the last call. */
  collect(): Batch {
    const [batch] = this.#collector.collect(this.store.takePending());
    return batch ?? new Batch();
  }

  /** Yields the requests of a batch, each with at most `maxSamplesPerSend` samples. A request is valid until the next one. */
  *encode(batch: Batch, version: ProtocolVersion): Generator<Uint8Array<ArrayBuffer>> {
    for (let from = 0; from < batch.length; from += maxSamplesPerSend) {
      const slice = { batch, from, to: Math.min(batch.length, from + maxSamplesPerSend) };
      yield version === "1.0" ? encodeV1(slice, this.#buffer) : this.#encoderV2.encode(slice, this.#buffer);
    }
  }

  /** Collects, encodes and compresses. Returns the bytes of the compressed bodies. */
  flush(version: ProtocolVersion): number {
    let bytes = 0;
    for (const request of this.encode(this.collect(), version)) bytes += compress(request).length;
    return bytes;
  }
}

/**
 * Encodes samples as a remote write 2.0 Request, which holds every string once, in a table that the series refer to.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */
import { type BatchSlice, forEachSeries, type VisitSeries } from "./batch.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { PointEncoder } from "./encode_points.ts";
import { type EncodedSeries, type OutputSymbols, readLabels, type SeriesOutput } from "./encoded_series.ts";
import { metricTypeNumber } from "./metric_type.ts";
import { Symbols } from "./symbols.ts";

/** How many strings an encoder remembers. */
interface EncoderV2Options {
  /**
   * The memory of the strings from which on the encoder forgets all of them, in bytes. The default, about 500,000 strings, is more
   * than one run should have, but clients and forwarders can run for years. @default 134217728
   */
  readonly maxMemoryBytes?: number;
}

/** Encodes requests. It remembers the strings of the series that it has encoded, up to a limit. */
export class EncoderV2 {
  #symbols = new Symbols();
  /** The series of a request. They come after the symbols, but both are written in one pass. */
  readonly #series = new ByteBuffer();
  readonly #points = new PointEncoder("2.0", (labels, buffer) => {
    if (labels.length === 0) return;
    const start = buffer.open(0x0a);
    for (const { name, value } of labels) {
      buffer.varint(this.#symbols.refOfTransient(name));
      buffer.varint(this.#symbols.refOfTransient(value));
    }
    buffer.close(start);
  });
  readonly #maxMemoryBytes: number;

  constructor({ maxMemoryBytes = 128 * 1024 * 1024 }: EncoderV2Options = {}) {
    this.#maxMemoryBytes = maxMemoryBytes;
  }

  /** The memory of the strings that are remembered, in bytes. It is estimated. */
  get memoryBytes(): number {
    return this.#symbols.memoryBytes;
  }

  /**
   * Encodes a slice. Consecutive samples of one series become one TimeSeries.
   *
   * @param slice at least one sample
   * @param buffer is overwritten
   * @returns a view of the buffer, not compressed
   */
  encode(slice: BatchSlice, buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
    if (this.#symbols.memoryBytes > this.#maxMemoryBytes) this.#symbols = new Symbols();
    buffer.length = 0;
    this.#symbols.begin(buffer);
    this.#points.begin(slice.batch);
    // An exemplar's strings come after those of all series, so that the table holds a string that both use only once.
    if (slice.batch.exemplars.size > 0) {
      forEachSeries(slice, (series, output) => this.#writeLabels(series, this.#symbolsOf(output)));
    }
    this.#series.length = 0;
    forEachSeries(slice, this.#writeSeries);
    buffer.append(this.#series.written());
    return buffer.written();
  }

  readonly #writeSeries: VisitSeries = (series, output, from, to) => {
    const symbols = this.#symbolsOf(output);
    const { type } = symbols;
    const buffer = this.#series;
    const start = buffer.open(0x2a);
    const refs = buffer.open(0x0a);
    this.#writeLabels(series, symbols);
    buffer.close(refs);
    // Before the exemplars, for the reason above.
    const helpRef = this.#symbols.ref(symbols.help);
    const unitRef = this.#symbols.ref(symbols.unit);
    this.#points.write(from, to, buffer);
    if (type + helpRef + unitRef > 0) {
      const metadata = buffer.open(0x2a);
      buffer.intField(0x08, type);
      buffer.intField(0x18, helpRef);
      buffer.intField(0x20, unitRef);
      buffer.close(metadata);
    }
    buffer.close(start);
  };

  #writeLabels(series: EncodedSeries, { numbers }: OutputSymbols): void {
    const table = this.#symbols;
    table.writeRefs(numbers, this.#series);
    if (series.sharedV1.length === 0) return;
    if (series.symbolsOwner !== table.owner) {
      series.symbolsOwner = table.owner;
      series.sharedSymbols = readLabels(series.sharedV1).flatMap(({ name, value }) => [
        table.numberOf(name),
        table.numberOf(value),
      ]);
    }
    table.writeRefs(series.sharedSymbols, this.#series);
  }

  #symbolsOf(output: SeriesOutput): OutputSymbols {
    const table = this.#symbols;
    if (output.symbols?.owner === table.owner) return output.symbols;
    const { type = "unknown", help = "", unit = "" } = output.metadata ?? {};
    return output.symbols = {
      owner: table.owner,
      numbers: output.labels.flatMap(({ name, value }) => [table.numberOf(name), table.numberOf(value)]),
      type: metricTypeNumber(type),
      help: table.numberOf(help),
      unit: table.numberOf(unit),
    };
  }
}

/**
 * Decodes the message of remote write 1.0.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 * @module
 */
import type { Exemplar, FloatSample, Histogram, Label, Metadata, TimeSeries } from "../model/time_series.ts";
import {
  append,
  type DecodedRequest,
  type DecodeOptions,
  defaultMaxMemoryBytes,
  memoryBytes,
  toMetadata,
  type ValueContext,
} from "./decode.ts";
import { readHistogram } from "./decode_histogram.ts";
import { readSample } from "./decode_sample.ts";
import { hashBytes } from "./hash_bytes.ts";
import type { KnownLabels } from "./known_labels.ts";
import { ProtoReader } from "./proto_reader.ts";

/** What the readers of series need from their request. */
interface SeriesContext extends ValueContext {
  readonly known: KnownLabels | undefined;
}

/**
 * Decodes a prometheus.WriteRequest{timeseries = 1, metadata = 3}.
 *
 * @throws FormatError that names the field and its position
 * @throws TooLargeError if the objects take too much memory
 */
export function decodeV1(bytes: Uint8Array, options: DecodeOptions = {}): DecodedRequest {
  const { maxMemoryBytes = defaultMaxMemoryBytes, known } = options;
  const reader = new ProtoReader(bytes, {
    message: "prometheus.WriteRequest",
    maxMemoryBytes,
    strings: known?.strings,
  });
  const context = { startTimestamps: false, oddNans: new Set<FloatSample | Histogram>(), known };
  known?.begin();
  const timeSeries: TimeSeries[] = [];
  const metadata = new Map<string, Metadata>();
  let foreignField: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) timeSeries.push(readTimeSeries(reader, context));
    else if (reader.field === 3) readMetadata(reader, metadata);
    else {
      // Field 2 is reserved, and 2.0 uses fields 4 and 5.
      if (reader.field <= 5) foreignField ??= reader.field;
      reader.skip();
    }
  }
  return { timeSeries, metadata, foreignField, oddNans: context.oddNans };
}

/** The tag of a series' labels. */
const labelTag = 0x0a;

/** Reads a TimeSeries{labels = 1, samples = 2, exemplars = 3, histograms = 4}. */
function readTimeSeries(reader: ProtoReader, context: SeriesContext): TimeSeries {
  reader.charge(memoryBytes.series);
  let labels: readonly Label[] | undefined;
  /** The labels of this series alone. */
  let own: Label[] | undefined;
  let samples: FloatSample[] | undefined;
  let exemplars: Exemplar[] | undefined;
  let histograms: Histogram[] | undefined;
  const outer = reader.enter("WriteRequest.timeseries");
  if (context.known !== undefined) labels = readFirstLabels(reader, context.known);
  while (reader.next()) {
    // Labels usually come first. Protobuf allows any order.
    if (reader.field === 1) (own ??= [...labels ?? []]).push(readLabel(reader, "TimeSeries.labels"));
    else if (reader.field === 2) samples = append(samples, readSample(reader, context));
    else if (reader.field === 3) exemplars = append(exemplars, readExemplar(reader));
    else if (reader.field === 4) histograms = append(histograms, readHistogram(reader, context));
    else reader.skip();
  }
  reader.leave(outer);
  return { labels: own ?? labels ?? [], samples, histograms, exemplars };
}

/** Reads the labels with which a series begins, or recognises them. */
function readFirstLabels(reader: ProtoReader, known: KnownLabels): readonly Label[] {
  let series = known.expected;
  if (series?.bytes === undefined || !reader.skipBytes(series.bytes)) {
    const bytes = reader.upcoming(labelTag);
    const hash = hashBytes(bytes, 0, bytes.length);
    series = known.find(hash);
    if (series?.bytes === undefined || series.bytes.length !== bytes.length || !reader.skipBytes(series.bytes)) {
      const labels: Label[] = [];
      const end = reader.at + bytes.length;
      while (reader.at < end && reader.next()) labels.push(readLabel(reader, "TimeSeries.labels"));
      known.add(labels, { bytes, hash, memoryBytes: memoryBytes.label * labels.length });
      return labels;
    }
  }
  reader.charge(series.memoryBytes);
  known.see(series);
  return series.labels;
}

/** Reads a Label{name = 1, value = 2}. */
function readLabel(reader: ProtoReader, field: string): Label {
  reader.charge(memoryBytes.label);
  let name = "";
  let value = "";
  const outer = reader.enter(field);
  while (reader.next()) {
    if (reader.field === 1) name = reader.string("Label.name");
    else if (reader.field === 2) value = reader.string("Label.value");
    else reader.skip();
  }
  reader.leave(outer);
  return { name, value };
}

/** Reads an Exemplar{labels = 1, value = 2, timestamp = 3}. */
function readExemplar(reader: ProtoReader): Exemplar {
  reader.charge(memoryBytes.exemplar);
  const labels: Label[] = [];
  let value = 0;
  let timestamp = 0;
  const outer = reader.enter("TimeSeries.exemplars");
  while (reader.next()) {
    if (reader.field === 1) labels.push(readLabel(reader, "Exemplar.labels"));
    else if (reader.field === 2) value = reader.double("Exemplar.value");
    else if (reader.field === 3) timestamp = reader.int64("Exemplar.timestamp");
    else reader.skip();
  }
  reader.leave(outer);
  return { labels, value, timestamp };
}

/** Reads a MetricMetadata{type = 1, metric_family_name = 2, help = 4, unit = 5}. A help or unit that is not UTF-8 is dropped. */
function readMetadata(reader: ProtoReader, into: Map<string, Metadata>): void {
  reader.charge(memoryBytes.metadata);
  let type = 0;
  let family = "";
  let help = "";
  let unit = "";
  const outer = reader.enter("WriteRequest.metadata");
  while (reader.next()) {
    if (reader.field === 1) type = reader.int32("MetricMetadata.type");
    else if (reader.field === 2) family = reader.string("MetricMetadata.metric_family_name");
    else if (reader.field === 4) help = reader.stringIfUtf8("MetricMetadata.help") ?? "";
    else if (reader.field === 5) unit = reader.stringIfUtf8("MetricMetadata.unit") ?? "";
    else reader.skip();
  }
  reader.leave(outer);
  into.set(family, toMetadata(type, { help, unit }));
}

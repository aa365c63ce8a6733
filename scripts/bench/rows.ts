/**
 * Measures the rows of the benchmark.
 *
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { measure } from "mitata";
import { NativeHistogramSink } from "../../src/k6/sinks/native_histogram_sink.ts";
import type { Sample } from "../../src/k6/sample.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { FlushLine } from "./flush_line.ts";
import { GatewayLine, samplesOfRound } from "./gateway.ts";
import { compareFetch } from "./instrumented_fetch.ts";
import { fileStream, replay } from "./replay.ts";
import { encodeWithMessages, plainSeries, replayPlainly, sendWithPeer } from "./peers.ts";
import { counterSamples, duration, randomNumbers, requestMetrics, requestTags, startTime } from "./workload.ts";

/** A measured value and its limit. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The largest allowed value, or the smallest if `moreIsBetter`. */
  readonly limit?: number;
  readonly moreIsBetter?: boolean;
}

/** How long mitata measures a row: `thorough` for the table, `short` for the charts. */
interface Effort {
  readonly min_cpu_time: number;
  readonly min_samples: number;
}

const thorough: Effort = { min_cpu_time: 1e9, min_samples: 30 };
const short: Effort = { min_cpu_time: 2e8, min_samples: 15 };

/**
 * Returns the CPU time of all threads of this process, in nanoseconds. Unlike wall-clock time, it does not grow if other programs
 * use the same cores, and it includes the garbage collector's threads.
 */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return 1000 * (user + system);
}

/** Returns the median time of `work`, in microseconds per unit. `prepare` runs before each call and is not measured. */
async function median(
  units: number,
  work: () => unknown,
  { prepare, effort = thorough }: { readonly prepare?: () => unknown; readonly effort?: Effort } = {},
): Promise<number> {
  const options = { ...effort, now: processorTime };
  const { p50 } = prepare === undefined ? await measure(work, options) : await measure(
    function* () {
      yield { [0]: prepare, bench: (_prepared: unknown): unknown => work() };
    },
    // Without this option, mitata would prepare thousands of calls before it makes them.
    { ...options, batch_threshold: -1 },
  );
  return p50 / 1000 / units;
}

/** Yields the samples spread over the second after their time. */
function* later(samples: readonly Sample[]): Generator<Sample> {
  for (const [index, sample] of samples.entries()) {
    yield { ...sample, time: sample.time + Math.floor((1000 * index) / samples.length) };
  }
}

/** Returns the microseconds per series for a flush of counters with one new sample each. */
export async function flushCost(series: number, version: ProtocolVersion, effort: Effort = thorough): Promise<number> {
  const line = new FlushLine();
  let second = 0;
  const samples = counterSamples(series);
  const prepare = (): void => {
    second++;
    for (let index = 0; index < series; index++) {
      const sample = samples[index];
      if (sample === undefined) continue;
      line.store.add(moved(sample, startTime + second * 1000 + Math.floor((1000 * index) / series)));
    }
  };
  return await median(series, () => line.flush(version), { prepare, effort });
}

/** Moves a sample to another time, in place, so that the benchmark itself leaves no garbage. */
function moved(sample: Sample, time: number): Sample {
  return Object.assign(sample, { time });
}

/** Returns the microseconds per sample for adding `perSeries` samples to each of 1000 series and flushing them. */
export async function sampleCost(perSeries: number): Promise<number> {
  const line = new FlushLine();
  const samples = counterSamples(1000);
  let time = startTime;
  return await median(1000 * perSeries, () => {
    for (let round = 0; round < perSeries; round++) {
      time += 1000;
      for (const sample of samples) line.store.add(moved(sample, time));
    }
    line.flush("1.0");
  }, { effort: short });
}

/** Returns the lower limit of every encoder: the microseconds per series to copy and compress the bytes of a request. */
export async function limitCost(series: number, version: ProtocolVersion): Promise<number> {
  const line = new FlushLine();
  for (const sample of later(counterSamples(series))) line.store.add(sample);
  const requests = Array.from(line.encode(line.collect(), version), (request) => request.slice());
  const target = new Uint8Array(Math.max(...requests.map(({ length }) => length)));
  return await median(series, () => {
    for (const request of requests) {
      target.set(request);
      compress(target.subarray(0, request.length));
    }
  }, { effort: short });
}

async function flushRows(): Promise<Row[]> {
  const unit = "us/series";
  const plain = plainSeries(1000);
  return [
    { name: "flush of 1000 series, 1.0", unit, value: await flushCost(1000, "1.0"), limit: 0.4 },
    { name: "flush of 1000 series, 2.0", unit, value: await flushCost(1000, "2.0"), limit: 0.4 },
    { name: "flush of 20,000 series, 1.0", unit, value: await flushCost(20_000, "1.0"), limit: 0.5 },
    { name: "flush of 20,000 series, 2.0", unit, value: await flushCost(20_000, "2.0"), limit: 0.5 },
    { name: "limit: copy and snappy of 1000 series, 1.0", unit, value: await limitCost(1000, "1.0") },
    { name: "limit: copy and snappy of 1000 series, 2.0", unit, value: await limitCost(1000, "2.0") },
    {
      name: "peer: @bufbuild/protobuf create, toBinary and the same snappy, 1.0",
      unit,
      value: await median(1000, () => encodeWithMessages(plain)),
    },
    { name: "peer: prometheus-remote-write, 1.0", unit, value: await median(1000, () => sendWithPeer(plain)) },
  ];
}

async function addRows(): Promise<Row[]> {
  const unit = "us/sample";
  const seen = new FlushLine();
  const samples = counterSamples(1000);
  const equal = new FlushLine();
  const sets = samples.slice(0, 200);
  let fresh: readonly Sample[] = [];
  const histogram = new NativeHistogramSink({ bucketFactor: 1.1, maxBuckets: 160, scale: 1 / 1000 });
  const random = randomNumbers();
  const values = Array.from({ length: 10_000 }, () => duration(random));
  const addAll = (line: FlushLine, all: readonly Sample[]): void => {
    for (const sample of all) line.store.add(sample);
  };
  return [
    { name: "add, tags object seen before", unit, value: await median(1000, () => addAll(seen, samples)), limit: 0.1 },
    {
      name: "add, fresh equal tags object of nine tags, 200 sets",
      unit,
      value: await median(1000, () => addAll(equal, fresh), {
        prepare: () =>
          fresh = [sets, sets, sets, sets, sets].flat().map(({ tags, ...rest }) => ({ ...rest, tags: { ...tags } })),
      }),
      limit: 0.9,
    },
    {
      name: "trend sample into a native histogram",
      unit,
      value: await median(values.length, () => {
        for (const value of values) histogram.add(value);
      }),
      limit: 0.1,
    },
  ];
}

function wireRows(): Row[] {
  const unit = "bytes/series";
  const wire = (samples: Iterable<Sample>, version: ProtocolVersion, rounds = 1): number => {
    const line = new FlushLine();
    let series = 0;
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      for (const sample of samples) line.store.add(sample);
      const batch = line.collect();
      series = batch.length;
      bytes = 0;
      for (const request of line.encode(batch, version)) bytes += compress(request).length;
    }
    return bytes / series;
  };
  const inOrder = [...later(counterSamples(1000))];
  const random = randomNumbers();
  const shuffled = [...later(
    counterSamples(1000).map((sample) => ({ sample, key: random() }))
      .sort((a, b) => a.key - b.key).map(({ sample }) => sample),
  )];
  const mixed = Array.from({ length: 400 }, (_, request) =>
    requestMetrics.map((metric): Sample => ({
      metric,
      tags: requestTags(request % 20),
      time: startTime + 2 * request,
      value: metric.type === "trend" ? duration(random) : 1,
    }))).flat();
  return [
    { name: "wire, 1000 counters, 1.0", unit, value: wire(inOrder, "1.0"), limit: 22 },
    { name: "wire, 1000 counters, 2.0", unit, value: wire(inOrder, "2.0"), limit: 15 },
    { name: "wire, the same in random order, 1.0", unit, value: wire(shuffled, "1.0") },
    { name: "wire, the same in random order, 2.0", unit, value: wire(shuffled, "2.0") },
    { name: "wire, all that k6 measures of requests, 1.0", unit, value: wire(mixed, "1.0") },
    { name: "wire, all that k6 measures of requests, 2.0", unit, value: wire(mixed, "2.0") },
  ];
}

function readText(path: string): string {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(256 * 1024);
  const file = openSync(path, "r");
  let text = "";
  for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
    text += decoder.decode(chunk.subarray(0, length), { stream: true });
  }
  closeSync(file);
  return text;
}

async function jsonRows(path: string): Promise<Row[]> {
  const lines = await replay(fileStream(path));
  const effort = { min_cpu_time: 4e9, min_samples: 7 };
  const ours = await median(lines, () => replay(fileStream(path)), { effort });
  const plain = await median(lines, () => replayPlainly(readText(path)), { effort });
  // The strings are read only now, because so many of them make each garbage collection longer.
  const text = readText(path).split("\n").filter((line) => line !== "");
  const parse = await median(lines, () => {
    for (const line of text) JSON.parse(line);
  }, { effort });
  const unit = "lines/s";
  const perSecond = (microseconds: number): number => Math.round(1e6 / microseconds);
  return [
    { name: "k6 JSON, file to compressed bodies", unit, value: perSecond(ours), limit: 1_000_000, moreIsBetter: true },
    {
      name: "peer: split, JSON.parse, key of sorted tags, messages",
      unit,
      value: perSecond(plain),
      moreIsBetter: true,
    },
    { name: "peer: JSON.parse alone", unit, value: perSecond(parse), moreIsBetter: true },
    { name: "k6 JSON, times the plain pipeline", unit: "x", value: plain / ours, limit: 4, moreIsBetter: true },
  ];
}

async function gatewayRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of ["aggregator", "forwarder"] as const) {
    for (const version of ["1.0", "2.0"] as const) {
      const line = new GatewayLine(kind, version);
      const value = await median(samplesOfRound, () => line.run(), { prepare: () => line.prepare() });
      await line.close();
      const name = `${kind}, six labels, ${version}`;
      rows.push({ name, unit: "us/sample", value, ...(kind === "aggregator" && { limit: 2 }) });
    }
  }
  return rows;
}

async function fetchRows(): Promise<Row[]> {
  const { loopback, bare } = await compareFetch();
  const unit = "us/request";
  return [
    {
      name: "instrumented fetch: a request over loopback, to a plain one",
      unit: "ratio",
      value: loopback.instrumented / loopback.plain,
    },
    { name: "plain fetch: a request over loopback", unit, value: loopback.plain },
    { name: "instrumented fetch: what it adds to a request", unit, value: bare.instrumented - bare.plain },
  ];
}

/** Measures all rows in this process. */
export async function allRows(jsonPath: string): Promise<Row[]> {
  return [
    ...await flushRows(),
    ...await addRows(),
    ...wireRows(),
    ...await jsonRows(jsonPath),
    ...await gatewayRows(),
    ...await fetchRows(),
  ];
}

/** The growth of the cost, for the charts. */
export interface Growth {
  /** The microseconds per series, by number of series. */
  readonly series: readonly {
    readonly count: number;
    readonly v1: number;
    readonly v2: number;
    readonly limit: number;
  }[];
  /** The microseconds per sample, added and flushed, by the number of samples of each series. */
  readonly samples: readonly { readonly count: number; readonly cost: number }[];
}

/** Measures how the cost grows with the number of series and of samples. */
export async function measureGrowth(): Promise<Growth> {
  const series = [];
  for (const count of [100, 300, 1000, 3000, 10_000, 30_000]) {
    series.push({
      count,
      v1: await flushCost(count, "1.0", short),
      v2: await flushCost(count, "2.0", short),
      limit: await limitCost(count, "1.0"),
    });
  }
  const samples = [];
  for (const count of [1, 2, 5, 10, 20, 50, 100]) samples.push({ count, cost: await sampleCost(count) });
  return { series, samples };
}

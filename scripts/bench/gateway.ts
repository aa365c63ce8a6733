/**
 * The gateway's work: requests of many senders, which an aggregator adds up or a forwarder passes on, without the network.
 *
 * @module
 */
import { RemoteWriteAggregator, RemoteWriteForwarder } from "../../src/gateway/mod.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { encodeV1 } from "../../src/protocol/encode_v1.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import { type EncodedSeries, encodeSeries } from "../../src/protocol/encoded_series.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import { compress } from "../../src/protocol/snappy.ts";
import { startTime } from "./workload.ts";

const senders = 20;
const seriesOfEach = 1000;
/** The samples of one round: one of each series of each sender. */
export const samplesOfRound: number = senders * seriesOfEach;

const headers: Readonly<Record<ProtocolVersion, HeadersInit>> = {
  "1.0": { "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy" },
  "2.0": {
    "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "Content-Encoding": "snappy",
  },
};

/** Returns a sender's counters, with six labels. */
function countersOf(sender: number): EncodedSeries[] {
  return Array.from({ length: seriesOfEach }, (_, number) =>
    encodeSeries([
      { name: "__name__", value: "worker_requests_total" },
      { name: "cache", value: number % 2 === 0 ? "hit" : "miss" },
      { name: "instance", value: `isolate-${sender}` },
      { name: "method", value: "GET" },
      { name: "route", value: `/api/items/${number >> 1}` },
      { name: "status", value: "200" },
    ], { type: "counter" }));
}

/** Sends the requests of all senders, round after round, to an aggregator or a forwarder. */
export class GatewayLine {
  readonly #version: ProtocolVersion;
  readonly #gateway: RemoteWriteAggregator | RemoteWriteForwarder;
  readonly #counters = Array.from({ length: senders }, (_, sender) => countersOf(sender));
  readonly #buffer = new ByteBuffer();
  readonly #encoderV2 = new EncoderV2();
  #requests: Request[] = [];
  #round = 0;
  #samples = 0;

  constructor(kind: "aggregator" | "forwarder", version: ProtocolVersion) {
    this.#version = version;
    const written = ["Samples", "Histograms", "Exemplars"].map((what) =>
      [`X-Prometheus-Remote-Write-${what}-Written`, "2000"] as const
    );
    const options = {
      protocol: version,
      fetch: () => Promise.resolve(new Response(null, { status: 204, headers: Object.fromEntries(written) })),
      onWarning: (text: string) => {
        throw new Error(text);
      },
    };
    this.#gateway = kind === "forwarder" ? new RemoteWriteForwarder(options) : new RemoteWriteAggregator({
      ...options,
      without: ["instance"],
      intervalMs: 0,
      now: () => startTime + this.#round * 1000,
    });
  }

  /** Makes the requests of the next round. */
  prepare(): void {
    this.#round++;
    this.#requests = this.#counters.map((counters) => {
      const batch = new Batch(seriesOfEach);
      for (const series of counters) batch.push(series, this.#round, startTime + this.#round * 1000);
      const slice = { batch, from: 0, to: batch.length };
      const message = this.#version === "1.0"
        ? encodeV1(slice, this.#buffer)
        : this.#encoderV2.encode(slice, this.#buffer);
      return new Request("http://gateway.test/", {
        method: "POST",
        headers: headers[this.#version],
        body: compress(message),
      });
    });
  }

  /** Handles the requests of a round, until all of their samples are added up or delivered. */
  async run(): Promise<void> {
    for (const request of this.#requests) {
      const { status } = await this.#gateway.handle(request);
      if (status !== 204) throw new Error(`The gateway answered ${status}`);
    }
    this.#samples += samplesOfRound;
    if (this.#gateway instanceof RemoteWriteForwarder) await this.#gateway.settled();
  }

  /** Ends the line. @throws if a sample got lost */
  async close(): Promise<void> {
    const { stats } = this.#gateway;
    const handled = "accepted" in stats ? stats.accepted : stats.samplesTotal;
    if (handled !== this.#samples) throw new Error(`The gateway handled ${handled} of ${this.#samples} samples`);
    await this.#gateway.close();
  }
}

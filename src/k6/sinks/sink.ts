/**
 * A sink aggregates the samples of one series, as k6's sinks do. Each flush reads its current values.
 *
 * @see https://github.com/grafana/k6/blob/master/metrics/sink.go
 * @module
 */
import type { HistogramValue } from "../../model/time_series.ts";

/**
 * Receives the current value of one of the time series that a sink feeds.
 *
 * @param output index into the mapping's `outputs`
 * @param value a float or a native histogram; the sink does not change an emitted histogram
 * @param time milliseconds since the Unix epoch; without it, the value gets the time of the series' latest sample
 */
export type Emit = (output: number, value: number | HistogramValue, time?: number) => void;

/** The running aggregate of one series. */
export interface Sink {
  /** Adds a value; `time` is in milliseconds since the Unix epoch. */
  add(value: number, time: number): void;
  /** Emits the current value of each output. A flush calls it only for series with new samples; a heartbeat for all. */
  collect(emit: Emit): void;
}

/** Emits the sum of all values. */
export class CounterSink implements Sink {
  #sum = 0;

  add(value: number): void {
    this.#sum += value;
  }

  collect(emit: Emit): void {
    emit(0, this.#sum);
  }
}

/** Emits the value that was added last. */
export class GaugeSink implements Sink {
  #value = 0;

  add(value: number): void {
    this.#value = value;
  }

  collect(emit: Emit): void {
    emit(0, this.#value);
  }
}

/** Emits the share of the values that are not zero, from 0 to 1. */
export class RateSink implements Sink {
  readonly #counters: boolean;
  #passes = 0;
  #total = 0;

  /** @param options `counters` also emits the number of values that are not zero, and the number of all values */
  constructor({ counters }: { readonly counters: boolean }) {
    this.#counters = counters;
  }

  add(value: number): void {
    this.#total += 1;
    if (value !== 0) this.#passes += 1;
  }

  collect(emit: Emit): void {
    emit(0, this.#passes / this.#total);
    if (!this.#counters) return;
    emit(1, this.#passes);
    emit(2, this.#total);
  }
}

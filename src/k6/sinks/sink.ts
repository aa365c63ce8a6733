/**
 * A sink aggregates the samples of one series, as k6's sinks do; a mapping reads it at a flush.
 *
 * @see https://github.com/grafana/k6/blob/master/metrics/sink.go
 * @module
 */
import type { HistogramValue } from "../../model/time_series.ts";

/**
 * Takes what a sink has for one of its mapping's outputs.
 *
 * @param output index into the mapping's outputs
 * @param value a float or a native histogram; a histogram is not changed after it was emitted
 * @param time milliseconds since the Unix epoch; by default the flush's stamp for the series
 */
export type Emit = (output: number, value: number | HistogramValue, time?: number) => void;

/** The running aggregate of one series. */
export interface Sink {
  /** Takes a value; `time` in milliseconds since the Unix epoch. */
  add(value: number, time: number): void;
  /** Emits the current value of each output. Called only if something was added since the last time, or for a heartbeat. */
  collect(emit: Emit): void;
}

/** Adds up. */
export class CounterSink implements Sink {
  #sum = 0;

  add(value: number): void {
    this.#sum += value;
  }

  collect(emit: Emit): void {
    emit(0, this.#sum);
  }
}

/** Keeps the value that came last. */
export class GaugeSink implements Sink {
  #value = 0;

  add(value: number): void {
    this.#value = value;
  }

  collect(emit: Emit): void {
    emit(0, this.#value);
  }
}

/** Share of the values that are not zero, 0 to 1; with `counters` also how many those are, and how many there are in all. */
export class RateSink implements Sink {
  readonly #counters: boolean;
  #passes = 0;
  #total = 0;

  constructor({ counters = false }: { readonly counters?: boolean } = {}) {
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

/**
 * A receiver that treats samples as Prometheus was seen to treat them, without out-of-order ingestion.
 *
 * @module
 */
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";

/** A sample as the receiver decodes it. */
export interface ReceivedSample {
  readonly series: string;
  readonly time: number;
  readonly value: number;
}

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How a receiver that does not know 2.0 answers it. */
export type Ignorance = "none" | "silent 204" | "415" | "400" | "500";

/** What kind of receiver it is. */
export interface FakePrometheusOptions {
  /** Series whose samples it refuses with 400. */
  readonly bad?: ReadonlySet<string>;
  /** Series whose samples make it answer 500 and roll all back. */
  readonly poison?: ReadonlySet<string>;
  /** @default "none" */
  readonly ignorance?: Ignorance;
}

/** Stores samples by series, in order. */
export class FakePrometheus {
  /** What is stored. */
  readonly stored: Map<string, ReceivedSample[]> = new Map();
  /** Violations of the rules for senders that Prometheus would punish with silent loss. */
  readonly violations: string[] = [];
  /** Samples that it got again, and that changed nothing. */
  duplicates = 0;
  readonly #options: FakePrometheusOptions;

  constructor(options: FakePrometheusOptions = {}) {
    this.#options = options;
  }

  /** How many samples are stored. */
  get count(): number {
    return [...this.stored.values()].reduce((sum, samples) => sum + samples.length, 0);
  }

  /** Takes a request. */
  write(samples: readonly ReceivedSample[], version: ProtocolVersion): Answer {
    const { ignorance = "none", poison } = this.#options;
    if (version === "2.0" && ignorance !== "none") {
      return ignorance === "silent 204" ? { status: 204 } : { status: Number(ignorance), body: "cannot decode" };
    }
    this.#checkOrder(samples);
    if (samples.some(({ series }) => poison?.has(series))) {
      return { status: 500, body: "histogram's counts do not add up" };
    }
    const before = new Map([...this.stored].map(([series, list]) => [series, list.length]));
    const { duplicates } = this;
    const problems = samples.map((sample) => this.#append(sample)).filter((problem) => problem !== undefined);
    const headers: Record<string, string> = version === "1.0"
      ? {}
      : { "X-Prometheus-Remote-Write-Samples-Written": String(samples.length - problems.length) };
    if (problems.length === 0) return { status: 204, headers };
    if (version === "1.0") {
      // Rolled back whole.
      for (const [series, list] of this.stored) list.length = before.get(series) ?? 0;
      this.duplicates = duplicates;
    }
    return { status: 400, headers, body: problems[0] };
  }

  #append(sample: ReceivedSample): string | undefined {
    const { series, time, value } = sample;
    if (this.#options.bad?.has(series)) return `label of series {${series}} is not liked`;
    const list = this.stored.get(series) ?? [];
    this.stored.set(series, list);
    const last = list.at(-1);
    if (last !== undefined && time < last.time) return `out of order sample at ${time} of {${series}}`;
    if (last !== undefined && time === last.time) {
      if (!Object.is(value, last.value)) return `duplicate sample for timestamp ${time} of {${series}}`;
      this.duplicates++;
      return undefined;
    }
    list.push(sample);
    return undefined;
  }

  #checkOrder(samples: readonly ReceivedSample[]): void {
    const last = new Map<string, number>();
    for (const { series, time } of samples) {
      if (time <= (last.get(series) ?? -Infinity)) {
        this.violations.push(`${series} at ${time} after ${last.get(series)}`);
      }
      last.set(series, time);
    }
  }
}

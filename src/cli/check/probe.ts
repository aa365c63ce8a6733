/**
 * The series that a check writes.
 *
 * @module
 */
import type { Exemplar, Histogram, Label, Metadata } from "../../model/time_series.ts";

/** The name of all series that a check writes. The series of the step about UTF-8 names have it at their beginning. */
export const checkName = "k6_remote_write_check";

/** A series of a check, with one sample. */
export interface Probe {
  /** The value of its label `probe`. */
  readonly probe: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** The name of the metric. @default checkName */
  readonly name?: string;
  /** Labels in addition to those that every probe has. */
  readonly labels?: readonly Label[];
  /** @default 1 */
  readonly value?: number;
  /** A native histogram instead of the value. */
  readonly histogram?: Omit<Histogram, "timestamp">;
  readonly exemplars?: readonly Exemplar[];
  readonly metadata?: Metadata;
  /** Whether the sample says that the series ended. */
  readonly stale?: boolean;
  /** Whether the endpoint refused the request, but perhaps stored the sample. */
  readonly isDoubtful?: boolean;
}

/** Returns the sample of the present time, which must arrive. */
export function presentProbe({ baseTime }: { readonly baseTime: number }): Probe {
  return {
    probe: "present",
    time: baseTime,
    metadata: { type: "gauge", help: "A series of k6-remote-write check." },
  };
}

/** What is stored of a check. */
export interface StoredProbes {
  /** The probes whose series are there. */
  readonly series: ReadonlySet<string>;
  /** Older samples were not looked for, because the server does not answer queries over such a time. */
  readonly sinceMs: number;
  /** Whether the exemplar of the check is there. */
  readonly hasExemplar: boolean;
}

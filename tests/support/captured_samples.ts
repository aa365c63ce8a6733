/** A consumer that keeps the samples it is given. */
import type { Sample, SampleConsumer, Tags } from "../../src/k6/sample.ts";

export class CapturedSamples implements SampleConsumer {
  readonly samples: Sample[] = [];

  add(samples: Sample | readonly Sample[]): void {
    this.samples.push(...[samples].flat());
  }

  /** The samples of a metric. */
  of(name: string): Sample[] {
    return this.samples.filter(({ metric }) => metric.name === name);
  }

  /** The values of a metric. */
  values(name: string): number[] {
    return this.of(name).map(({ value }) => value);
  }

  /** The tags of a metric's only sample. */
  tagsOf(name: string): Tags {
    const samples = this.of(name);
    if (samples.length !== 1) throw new Error(`${samples.length} samples of ${name}, expected one`);
    return samples[0]!.tags;
  }

  /** Names of the metrics, each once. */
  names(): string[] {
    return [...new Set(this.samples.map(({ metric }) => metric.name))];
  }
}

/**
 * The results of a run from all of its samples, which `run` and `send` have. They are exact, whatever form trends are sent in.
 *
 * @module
 */
import type { Metric } from "../../k6/metric.ts";
import { thresholdText } from "../../k6/metric.ts";
import { type MetricSelector, selects } from "../../k6/run_metrics/metric_selector.ts";
import type { ThresholdGroup } from "../../k6/run_metrics/thresholds.ts";
import type { Sample } from "../../k6/sample.ts";
import { TrendSink } from "../../k6/sinks/trend_sink.ts";
import { parseTrendStats } from "../../k6/sinks/trend_stats.ts";
import { judgeSentThresholds, judgeThresholds, type MetricSource } from "../verdict/judgement.ts";
import { MetricReading, type StoredValues } from "../verdict/metric_reading.ts";
import type { CheckResult, SentThreshold, TagList } from "../verdict/run_reader.ts";
import type { RunResults } from "../verdict/run_verdict.ts";

/** Percentiles are as exact as k6's up to this number of values of a metric, which take 8 MB; then within 0.5 %. */
const maxExactValues = 1_000_000;

/** What is known about a run besides its samples. */
export type ResultsHeader = Pick<RunResults, "title" | "testid" | "delivery">;

/** Adds up the samples of a run. */
export class SampleResults implements MetricSource {
  readonly #groups: readonly ThresholdGroup[];
  readonly #totals = new Map<string, SampleTotals>();
  /** What a sample of a metric counts for: the metric, and the selectors of thresholds. Several objects may describe one metric. */
  readonly #byMetric = new Map<Metric, readonly SampleTotals[]>();
  readonly #thresholds = new Map<string, SentThreshold>();
  readonly #checks = new Map<string, { name: string; group: string; passes: number; samples: number }>();
  #startMs = Infinity;
  #endMs = -Infinity;
  #testid: string | undefined;

  /** @param groups thresholds besides those of the metrics, such as thresholds on tags, which k6 does not tell */
  constructor(groups: readonly ThresholdGroup[] = []) {
    this.#groups = groups;
  }

  /** Adds samples. Those that no output would send, because a number is not finite, do not count. */
  add(samples: readonly Sample[]): void {
    for (const sample of samples) {
      const { metric, value, time, tags = {} } = sample;
      if (!Number.isFinite(value) || !Number.isFinite(time)) continue;
      if (time < this.#startMs) this.#startMs = time;
      if (time > this.#endMs) this.#endMs = time;
      this.#testid ??= tags.testid;
      let totals = this.#byMetric.get(metric);
      if (totals === undefined) {
        totals = this.#totalsOf(metric);
        this.#byMetric.set(metric, totals);
      }
      for (const each of totals) each.add(sample);
      if (metric.name === "checks" && metric.type === "rate") this.#addCheck(sample);
    }
  }

  readNamed(name: string, tags: TagList = []): Promise<MetricReading | undefined> {
    const totals = this.#totals.get(keyOf({ name, tags }));
    return Promise.resolve(totals?.read(this.#durationMs / 1000));
  }

  /** Returns the results so far. */
  async results({ title, testid, delivery }: ResultsHeader): Promise<RunResults> {
    const names = [...this.#totals.values()].filter(({ isMetric }) => isMetric).map(({ name }) => name).sort();
    const readings = await Promise.all(names.map((name) => this.readNamed(name)));
    const own = await judgeSentThresholds([...this.#thresholds.values()], this);
    const further = await judgeThresholds(this.#groups, this);
    const isEmpty = this.#startMs === Infinity;
    return {
      title,
      // As in the series, a tag of the script takes precedence.
      testid: this.#testid ?? testid,
      extent: isEmpty ? { startMs: 0, endMs: 0 } : { startMs: this.#startMs, endMs: this.#endMs },
      durationMs: this.#durationMs,
      problems: isEmpty ? ["There were no samples."] : [],
      readings: readings.filter((reading) => reading !== undefined),
      checks: [...this.#checks.values()].sort(byGroupAndName),
      thresholds: [
        ...own,
        ...further.filter(({ metric, expression }) => !this.#thresholds.has(JSON.stringify([metric, expression]))),
      ],
      delivery,
    };
  }

  get #durationMs(): number {
    return Math.max(0, this.#endMs - this.#startMs);
  }

  #totalsOf(metric: Metric): readonly SampleTotals[] {
    const { name, thresholds = [] } = metric;
    for (const threshold of thresholds) {
      const expression = thresholdText(threshold) ?? "";
      this.#thresholds.set(JSON.stringify([name, expression]), { metric: name, expression });
    }
    const selectors = this.#groups.map(({ selector }) => selector)
      .filter((selector) => selector.name === name && selector.tags.length > 0);
    return [{ text: name, name, tags: [] }, ...selectors].map((selector) => {
      const key = keyOf(selector);
      const totals = this.#totals.get(key) ?? new SampleTotals(metric, selector);
      this.#totals.set(key, totals);
      return totals;
    });
  }

  #addCheck({ value, tags: { check = "", group = "" } = {} }: Sample): void {
    const key = `${group}\n${check}`;
    let count = this.#checks.get(key);
    if (count === undefined) {
      count = { name: check, group, passes: 0, samples: 0 };
      this.#checks.set(key, count);
    }
    count.samples++;
    if (value !== 0) count.passes++;
  }
}

/** The samples of a metric, or those of them that have certain tags. */
class SampleTotals {
  readonly name: string;
  /** Whether these are all samples of the metric. */
  readonly isMetric: boolean;
  readonly #metric: Metric;
  readonly #selector: MetricSelector;
  readonly #trend: TrendSink | undefined;
  #samples = 0;
  #passes = 0;
  #sum = 0;
  #last = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(metric: Metric, selector: MetricSelector) {
    this.name = metric.name;
    this.#metric = metric;
    this.#selector = selector;
    this.isMetric = selector.tags.length === 0;
    if (metric.type !== "trend") return;
    // A sink with one quantile can read all of them.
    this.#trend = new TrendSink(parseTrendStats(["med"]), { scale: 1, window: "run", maxExactValues });
  }

  add({ value, tags }: Sample): void {
    if (!this.isMetric && !selects(this.#selector, tags ?? {})) return;
    this.#samples++;
    if (this.#trend !== undefined) return this.#trend.add(value);
    this.#sum += value;
    this.#last = value;
    if (value !== 0) this.#passes++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Returns the values; undefined if there are none. */
  read(seconds: number): MetricReading | undefined {
    return this.#samples === 0 ? undefined : new MetricReading(this.#metric, this.#values(seconds));
  }

  #values(seconds: number): StoredValues {
    const { type } = this.#metric;
    const trend = this.#trend;
    if (trend !== undefined) {
      return { type: "trend", samples: { count: this.#samples, read: (aggregation) => trend.read(aggregation) } };
    }
    if (type === "gauge") return { type, value: this.#last, min: this.#min, max: this.#max };
    if (type === "rate") return { type, passes: this.#passes, samples: this.#samples };
    return { type: "counter", count: this.#sum, seconds };
  }
}

function keyOf({ name, tags }: { readonly name: string; readonly tags: TagList }): string {
  return JSON.stringify([name, tags]);
}

function byGroupAndName(a: CheckResult, b: CheckResult): number {
  return a.group === b.group ? (a.name < b.name ? -1 : 1) : a.group < b.group ? -1 : 1;
}

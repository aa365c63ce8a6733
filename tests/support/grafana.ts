/**
 * Reads the dashboards of docs/grafana, and asks a Prometheus for what they show, as Grafana does.
 *
 * @see https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
 */
import { readFileSync } from "node:fs";
import type { Prometheus } from "./prometheus.ts";

/** A query of a panel. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly instant: boolean;
  readonly exemplar: boolean;
}

/** A panel. A row is a panel without targets. */
export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly Target[];
}

/** A variable of a dashboard. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly regex?: string;
  readonly multi?: boolean;
}

/** A dashboard, as its file has it. */
export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly target: { readonly expr: string } }[] };
}

/** A series of an answer, with its samples in order. */
export interface ShownSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [timeMs: number, value: number])[];
}

/** Returns a dashboard of docs/grafana/dashboards. */
export function readDashboard(name: string): Dashboard {
  return JSON.parse(readFileSync(`docs/grafana/dashboards/${name}`, "utf8"));
}

/** The time range that a viewer chose, with the values that a user chose for variables. */
export interface View {
  readonly fromMs: number;
  readonly toMs: number;
  readonly chosen: Readonly<Record<string, string>>;
}

/** A dashboard in a browser. */
export class ShownDashboard {
  readonly #prometheus: Prometheus;
  readonly #view: View;
  readonly #values = new Map<string, string>();

  constructor(prometheus: Prometheus, view: View) {
    this.#prometheus = prometheus;
    this.#view = view;
    // With a minimal step of 5 s, Grafana's window for rates is four times as long.
    const seconds = (view.toMs - view.fromMs) / 1000;
    for (const [name, value] of [["range", `${seconds}s`], ["interval", "5s"], ["rate_interval", "20s"]]) {
      this.#values.set(`__${name}`, value ?? "");
    }
    this.#values.set("__rate_interval_ms", "20000");
  }

  /** Asks for the values of a variable, the last one in the alphabet first, and takes the chosen one, all, or the first. */
  async load({ name, definition = "", regex = "", multi = false }: Variable): Promise<readonly string[]> {
    const values = await this.#optionsOf(definition, regex);
    this.#values.set(name, this.#view.chosen[name] ?? (multi ? ".*" : values[0] ?? ""));
    return values;
  }

  /** Returns an expression with the values of its variables. */
  fill(expression: string): string {
    return expression.replace(/\$(?:\{(\w+)\}|(\w+))/g, (text, braced, plain) => {
      // `$1` is a group of label_replace.
      return this.#values.get(braced ?? plain) ?? (/^\d$/.test(plain) ? text : `UNKNOWN_VARIABLE_${text}`);
    });
  }

  /** Returns what a query shows: one value of each series, or its course with a step of a second. */
  async show({ expr, instant }: Pick<Target, "expr" | "instant">): Promise<readonly ShownSeries[]> {
    const { fromMs, toMs } = this.#view;
    const query = this.fill(expr);
    const answer = instant
      ? await this.#prometheus.get("/api/v1/query", { query, time: String(toMs / 1000) })
      : await this.#prometheus.get("/api/v1/query_range", {
        query,
        start: String((toMs % 1000 + Math.ceil(fromMs / 1000) * 1000) / 1000),
        end: String(toMs / 1000),
        step: "1",
      });
    const series: readonly Record<string, unknown>[] = Object(answer).result;
    return series.map(({ metric, value, values = [value], histogram, histograms = [histogram] }) => {
      const histogramSamples = Array.isArray(histograms) ? histograms.filter((each) => each !== undefined) : [];
      const floats = Array.isArray(values) ? values.filter((each) => each !== undefined) : [];
      return {
        labels: Object(metric),
        values: [
          ...floats.map(([seconds, text]) => [Math.round(seconds * 1000), Number(text)] as const),
          ...histogramSamples.map(([seconds, { count }]) => [Math.round(seconds * 1000), Number(count)] as const),
        ],
      };
    });
  }

  /** Returns the exemplars that Grafana asks for together with a query. */
  exemplars({ expr }: Target): ReturnType<Prometheus["exemplars"]> {
    return this.#prometheus.exemplars(this.fill(expr), this.#view);
  }

  async #optionsOf(definition: string, regex: string): Promise<readonly string[]> {
    const { fromMs, toMs } = this.#view;
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    if (selector !== undefined) {
      const parameters = { start: String(fromMs / 1000), end: String(toMs / 1000), "match[]": this.fill(selector) };
      const values = await this.#prometheus.get(`/api/v1/label/${label}/values`, parameters);
      return Array.isArray(values) ? values.sort().reverse() : [];
    }
    const [, query] = /^query_result\((.*)\)$/.exec(definition) ?? [];
    if (query === undefined) throw new Error(`The query of a variable is unknown: ${definition}`);
    const shown = await this.show({ expr: query, instant: true });
    const expression = new RegExp(regex.replace(/^\/|\/$/g, ""));
    return shown.flatMap(({ labels, values }) => {
      const named = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
      return values.flatMap(([time, value]) => expression.exec(`{${named.join(",")}} ${value} ${time}`)?.[1] ?? []);
    });
  }
}

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { RemoteWriteMetricExporter } from "../../src/bridges/opentelemetry.ts";
import { instrument, nameWithUnit, provide, scope } from "../support/otel_instruments.ts";
import { noPrometheus, scrapeConfig, startPrometheus } from "../support/prometheus.ts";

test(
  "the names and values are those that a real Prometheus gets from the official exporter",
  { skip: noPrometheus },
  async () => {
    let official: PrometheusExporter | undefined;
    const server = createServer((request, response) => official?.getMetricsRequestHandler(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const prometheus = await startPrometheus({ config: scrapeConfig(port) });
    const exporter = new RemoteWriteMetricExporter({ url: prometheus.writeUrl, onWarning: () => {} });
    const { provider, official: scraped } = provide(exporter);
    try {
      const meter = provider.getMeter("http-library", "1.2.3");
      instrument(meter);
      const sizes = meter.createHistogram("exp.size", { unit: "By" });
      for (const value of [0, 1, 2, 3, 1000]) sizes.record(value);
      official = scraped;
      await provider.forceFlush();
      const valuesOf = async (job: string): Promise<string[]> => {
        const selector = `{job="${job}",__name__!~"up|scrape_.*|exp_.*"}`;
        const series = await prometheus.query(selector, Date.now());
        return series.map(({ metric: { job: _, __name__: name = "", ...labels }, value }) => {
          // Prometheus 3 changes how a scrape writes the bounds.
          const isBound = (label: string, text: string): boolean => label === "le" && text !== "+Inf";
          const pairs = Object.entries(labels).map(([label, text]) => {
            return [label, isBound(label, text) ? String(Number(text)) : text];
          });
          return JSON.stringify([job === "scraped" ? nameWithUnit(name) : name, pairs.sort(), value[1]]);
        }).sort();
      };
      let expected: string[] = [];
      for (let tries = 0; tries < 200 && expected.length === 0; tries++) {
        await wait(100);
        expected = await valuesOf("scraped");
      }
      assert.deepEqual(await valuesOf("web/shop"), expected);
      assert.ok(expected.length > 25, `${expected.length} series`);
      const value = async (expression: string): Promise<number> =>
        Number((await prometheus.query(expression, Date.now()))[0]?.value[1]);
      assert.equal(await value("histogram_count(exp_size_bytes)"), 5);
      assert.equal(await value("histogram_sum(exp_size_bytes)"), 1006);
      // One observation is 0, and one is up to 1.
      assert.equal(await value("histogram_fraction(-1, 1, exp_size_bytes)"), 0.4);
      const joined = 'jobs_total * on (job, instance) group_left (process_pid) target_info{job="web/shop"}';
      const [{ metric } = { metric: {} }] = await prometheus.query(joined, Date.now());
      assert.deepEqual(metric, { instance: "one", job: "web/shop", process_pid: "12", ...scope });
    } finally {
      await provider.shutdown();
      await prometheus.close();
      server.close();
      server.closeAllConnections();
    }
  },
);

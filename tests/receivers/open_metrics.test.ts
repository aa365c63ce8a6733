// Runs on one runtime: what promtool and Prometheus read depends on the file only.
/** OpenMetrics of a recording, read by promtool and queried in a real Prometheus. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { OpenMetrics } from "../../src/cli/open_metrics.ts";
import { runCli } from "../support/cli.ts";
import { noPrometheus, startPrometheus } from "../support/prometheus.ts";
import { recordedJson, recordingPaths } from "../support/recorded_run.ts";
import { withFolder } from "../support/temporary_folder.ts";

const points = new TextDecoder().decode(recordedJson("basic")).split("\n").filter((line) => line !== "")
  .map((line) => JSON.parse(line)).filter(({ type }) => type === "Point");
const valuesOf = (name: string): number[] =>
  points.filter(({ metric }) => metric === name).map(({ data }) => Number(data.value));
const end = Math.max(...points.map(({ data }) => Date.parse(data.time))) + 1000;

for (const trendAs of ["stats", "histogram"]) {
  test(`promtool makes blocks of a recording with trends as ${trendAs}, and Prometheus finds the values`, {
    skip: noPrometheus,
  }, () =>
    withFolder(async (folder) => {
      const text = join(folder, "run.om");
      const { code, stderr } = await runCli([recordingPaths.basic, "--openmetrics", text, "--trend-as", trendAs]);
      assert.equal(code, 0, stderr);
      const prometheus = await startPrometheus({
        fill(storage) {
          const { status, stdout, stderr } = spawnSync(
            "promtool",
            ["tsdb", "create-blocks-from", "openmetrics", text, storage],
            { encoding: "utf8" },
          );
          assert.equal(status, 0, `${stdout}${stderr}`);
        },
      });
      try {
        const value = async (expression: string): Promise<number> =>
          Number((await prometheus.query(expression, end))[0]?.value[1]);
        const durations = valuesOf("http_req_duration");
        assert.equal(await value("sum(k6_http_reqs_total)"), valuesOf("http_reqs").length);
        assert.equal(
          await value("sum(k6_checks_passes_total)"),
          valuesOf("checks").filter((passed) => passed === 1).length,
        );
        if (trendAs === "stats") {
          const max = await value("max(k6_http_req_duration_max)");
          assert.ok(Math.abs(max - Math.max(...durations) / 1000) < 1e-9, `${max}`);
        } else {
          assert.equal(await value("sum(k6_http_req_duration_seconds_count)"), durations.length);
          const below = durations.filter((ms) => ms <= 100).length;
          assert.equal(await value('sum(k6_http_req_duration_seconds_bucket{le="0.1"})'), below);
        }
      } finally {
        await prometheus.close();
      }
    }));
}

test("OpenMetrics text keeps all samples of a family and of a series together, and escapes the values of labels", () => {
  const metrics = new OpenMetrics();
  const labels = [{ name: "b", value: 'x"\\\n' }, { name: "__name__", value: "hits_total" }];
  const counter = { type: "counter", help: "Hits.\nAll." } as const;
  for (const timestamp of [1500, 2500]) {
    metrics.add([
      { labels, metadata: counter, samples: [{ value: timestamp, timestamp }] },
      { labels: [{ name: "__name__", value: "plain" }], samples: [{ value: Infinity, timestamp }] },
    ]);
  }
  metrics.add([{ labels, samples: [{ value: 0, timestamp: 9, stale: true }] }]);
  assert.equal(
    [...metrics.text()].join(""),
    `# TYPE hits counter
# HELP hits Hits.\\nAll.
hits_total{b="x\\"\\\\\\n"} 1500 1.500
hits_total{b="x\\"\\\\\\n"} 2500 2.500
# TYPE plain unknown
plain{} +Inf 1.500
plain{} +Inf 2.500
# EOF
`,
  );
});

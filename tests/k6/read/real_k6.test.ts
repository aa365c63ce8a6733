/** What the real k6 writes, apart from the recordings that are made with one version of it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import type { Metric } from "../../../mod.ts";
import { describeContent } from "../../../src/cli/input_content.ts";
import { AutoReader } from "../../../src/k6/read/auto_reader.ts";
import { byteStream, collect } from "../../support/byte_stream.ts";
import { noRealK6, runRealK6 } from "../../support/real_k6.ts";
import { withFolder } from "../../support/temporary_folder.ts";

const script = resolve("tests/fixtures/k6/csv/script.js");

for (const [format, resolutionMs] of [["unix", 1000], ["unix_nano", 1], ["rfc3339_nano", 1]] as const) {
  test(
    `the real k6's CSV with times in ${format} holds the samples of its JSON`,
    { skip: noRealK6 },
    () =>
      withFolder(async (folder) => {
        runRealK6(["--system-tags=vu,iter,status,check,group", "-o", "csv=run.csv", "-o", "json=run.json", script], {
          cwd: folder,
          env: { K6_CSV_TIME_FORMAT: format },
        });
        const metrics: Metric[] = [];
        const onMetric = (metric: Metric): void => void metrics.push(metric);
        const json = await collect(new AutoReader(byteStream(readFileSync(join(folder, "run.json"))), { onMetric }));
        const csv = await collect(new AutoReader(byteStream(readFileSync(join(folder, "run.csv"))), { metrics }));
        assert.equal(json.length, 44);
        assert.deepEqual(
          csv.map(({ metric, time, metadata }) => [metric.name, time, { ...metadata }]),
          json.map(({ metric, time, metadata }) => [metric.name, time - time % resolutionMs, { ...metadata }]),
        );
      }),
  );
}

test(
  "the real k6's summaries and dashboard recordings are recognised",
  { skip: noRealK6 },
  () =>
    withFolder(async (folder) => {
      const files = ["summary.json", "handle_summary.json", "dashboard.ndjson"];
      runRealK6(["--summary-export", "summary.json", "-o", "web-dashboard=record=dashboard.ndjson", script], {
        cwd: folder,
        env: { K6_WEB_DASHBOARD_PORT: "-1" },
      });
      const sentences = await Promise.all(files.map(async (path) => {
        const reader = new AutoReader(byteStream(readFileSync(join(folder, path))));
        await collect(reader);
        return describeContent(reader.stats, { path, start: reader.start });
      }));
      assert.match(sentences[0] ?? "", /^it is a summary of a run/);
      assert.match(sentences[1] ?? "", /^it is a summary of a run/);
      assert.match(sentences[2] ?? "", /^it is a recording of k6's web dashboard/);
    }),
);

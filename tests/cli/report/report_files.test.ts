import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { LiveStore } from "../../../src/cli/live/live_store.ts";
import { htmlReport } from "../../../src/cli/report/html_report.ts";
import { runCli, usageErrorOf } from "../../support/cli.ts";
import { recordingPaths } from "../../support/recorded_run.ts";
import { withFolder } from "../../support/temporary_folder.ts";

test("send writes each report that --report names, from the samples of the file (on one runtime)", () =>
  withFolder(async (folder) => {
    const paths = ["md", "json", "xml"].map((extension) => `${folder}/report.${extension}`);
    const { code, stderr } = await runCli([
      "send",
      recordingPaths.basic,
      ...paths.flatMap((path) => ["--report", path]),
    ]);
    assert.equal(code, 0, stderr);
    const [markdown = "", json = "", xml = ""] = paths.map((path) => readFileSync(path, "utf8"));
    assert.match(markdown, /^## k6 results: .*run\.json\.gz passed\n/);
    const { testid, metrics, thresholds } = JSON.parse(json);
    assert.deepEqual([testid, metrics.http_reqs.values.count, thresholds.length], ["basic", 373, 2]);
    assert.equal(metrics.http_req_duration.values["p(95)"].toFixed(3), "15.036");
    assert.match(xml, /<testsuites name="k6 .*run\.json\.gz" tests="2" failures="0" errors="0"/);
  }));

test("the page of a report has how k6 ended, unless it ended with 0", async () => {
  const store = new LiveStore({ retentionMs: Infinity, maxBytes: Infinity });
  const endOf = async (code: number): Promise<unknown> => {
    const page = await htmlReport.write({ store, title: "run", createdMs: 1, fromStart: true, end: { code } });
    const [, data = ""] = /id="report">([^<]+)</.exec(String(page)) ?? [];
    return JSON.parse(inflateSync(Uint8Array.from(atob(data), (each) => each.charCodeAt(0))).toString()).end;
  };
  assert.equal(await endOf(0), undefined);
  assert.equal(await endOf(99), "k6 ended with 99 (thresholds failed)");
});

test("a report of another kind is a usage error that names the kinds", async () => {
  assert.match(
    await usageErrorOf(["send", "run.json", "--report", "out.pdf"]),
    /Cannot read --report: it is "out\.pdf", expected .*FILE\.html.*FILE\.md.*FILE\.json.*FILE\.xml/,
  );
});

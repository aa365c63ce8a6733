import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { replaceOutputs } from "../../../src/cli/k6_arguments.ts";
import { LiveRun, type LiveRunOptions } from "../../../src/cli/live/live_run.ts";
import { Log } from "../../../src/cli/log.ts";
import { LiveStore } from "../../../src/cli/live/live_store.ts";
import { RemoteWriteOutput } from "../../../mod.ts";
import { runCli, startCli, usageErrorOf } from "../../support/cli.ts";
import { recordingPaths } from "../../support/recorded_run.ts";
import { withFolder } from "../../support/temporary_folder.ts";
import { total, withK6 } from "../../support/with_k6.ts";

/** Returns the header of a report and its series. */
function readReport(
  path: string,
): { readonly title: string; readonly startMs: number | undefined; readonly store: LiveStore } {
  const [, data = ""] = /id="report">([^<]+)</.exec(readFileSync(path, "utf8")) ?? [];
  const [first = "", ...chunks] = inflateSync(Uint8Array.from(atob(data), (each) => each.charCodeAt(0))).toString()
    .split("\n");
  const store = new LiveStore({ retentionMs: Infinity, maxBytes: Infinity });
  for (const chunk of chunks) store.apply(JSON.parse(chunk));
  return { ...JSON.parse(first), store };
}

/** Returns the sum of the newest values of a metric. */
function sumOf({ series }: LiveStore, name: string): number {
  const all = [...series.values()].filter((each) => each.name === name);
  return all.reduce((sum, { values, length }) => sum + (values[length - 1] ?? 0), 0);
}

test("run --ui without a URL sends nowhere, serves the page while k6 runs, and writes a report", () =>
  withK6(({ receiver, options }) =>
    withFolder(async (folder) => {
      const path = join(folder, "report.html");
      // The endpoint of the environment is none.
      const does = options({ json: recordingPaths.basic, ending: "waits" });
      const env = { ...does.env, K6_PROMETHEUS_REMOTE_URL: "", K6_PROMETHEUS_RW_SERVER_URL: "" };
      const { K6_PROMETHEUS_REMOTE_URL: _, K6_PROMETHEUS_RW_SERVER_URL: __, ...withoutUrl } = env;
      const args = ["run", "--ui", "--port", "0", "script.js", "--flush-period", "50ms", "--report", path];
      const running = startCli(args, { ...does, env: withoutUrl });
      const [, url = ""] = /Live page: (\S+)/.exec(await running.printed(/Live page: \S+\n/)) ?? [];
      assert.match(await (await fetch(url)).text(), /^<!doctype html>/);
      await running.printed("waiting 0");
      const events = await fetch(`${url}api/live`);
      const reader = events.body?.getReader();
      let text = "";
      for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
        text += new TextDecoder().decode(read.value);
        if (text.includes("k6_http_reqs_total")) break;
      }
      assert.match(text, /^event: hello\ndata: \{.*"title":"script\.js","fromStart":true/);
      await reader?.cancel();
      running.signal("SIGINT");
      const { stderr } = await running.ended;
      assert.match(stderr, /There is no --url, so the results are sent nowhere/);
      assert.equal(total(receiver, "k6_http_reqs_total"), 0);
      const { title, store } = readReport(path);
      assert.equal(title, "script.js");
      assert.ok(sumOf(store, "k6_http_reqs_total") > 0);
    })
  ));

test("an output that is named has its default endpoint, also without a URL", () => {
  const log = new Log("error");
  const given = { values: new Map<string, unknown>([["ui", true]]), operands: [] };
  const isNowhere = (line: string, url?: string): boolean | undefined => {
    const { namesOutput } = replaceOutputs(line.split(" "), "");
    return LiveRun.from(given, { files: ["s.js"], raw: { url }, namesOutput, log })?.sendsNowhere;
  };
  assert.equal(isNowhere("s.js"), true);
  assert.equal(isNowhere("s.js -o json=a"), true);
  assert.equal(isNowhere("s.js -o output-prometheus-remote"), false);
  assert.equal(isNowhere("s.js", "http://receiver.test/"), false);
});

/** Returns the report of a run of one sample, whose metric has a threshold. The sample is at 1 s after the Unix epoch. */
async function reportOf(
  folder: string,
  options: Pick<LiveRunOptions, "startsRun" | "raw">,
): Promise<ReturnType<typeof readReport>> {
  const path = join(folder, "report.html");
  const given = { values: new Map<string, unknown>([["report", { [path]: true }]]), operands: [] };
  const run = LiveRun.from(given, { files: ["s.js"], log: new Log("error"), ...options });
  assert.ok(run !== undefined);
  const fetch = (): Promise<Response> => Promise.resolve(new Response(null, { status: 204 }));
  const output = new RemoteWriteOutput(
    run.outputOptions({ url: "http://a.test/", fetch, protocol: "1.0", testid: "a" }),
  );
  await run.open();
  const vus = { name: "vus", type: "gauge", contains: "default", thresholds: ["value<5"] } as const;
  const samples = [{ metric: vus, time: 1000, value: 1, tags: {} }];
  output.add(samples);
  run.add(samples);
  await run.close(await output.close(), {});
  return readReport(path);
}

for (const url of ["http://a.test/", undefined]) {
  test(`the report has the thresholds that k6 tells ${url === undefined ? "without" : "with"} a URL`, () =>
    withFolder(async (folder) => {
      const { store } = await reportOf(folder, { raw: { url } });
      const series = [...store.series.values()].filter(({ name }) => name === "k6_threshold_passed");
      assert.deepEqual(
        series.map((each) => [each.label("metric"), each.label("expression"), each.label("testid"), each.values[0]]),
        [["vus", "value<5", "a", 1]],
      );
      const isOff = await reportOf(folder, { raw: { url, thresholds: false } });
      assert.equal(sumOf(isOff.store, "k6_threshold_passed"), 0);
    }));
}

test("the report tells when the run began: with the command, or with the first sample of a recording", () =>
  withFolder(async (folder) => {
    const before = Date.now();
    const { startMs = 0 } = await reportOf(folder, { startsRun: true, raw: {} });
    assert.ok(startMs >= before && startMs <= Date.now(), `${startMs}`);
    assert.equal((await reportOf(folder, { raw: {} })).startMs, 1000);
  }));

test("send --report sends to the endpoint as well, and the report has the same series (on one runtime)", () =>
  withK6(({ receiver }) =>
    withFolder(async (folder) => {
      const path = join(folder, "report.html");
      const { code, stderr } = await runCli(["send", recordingPaths.basic, "--url", receiver.url, "--report", path]);
      assert.equal(code, 0, stderr);
      const { store } = readReport(path);
      assert.equal(sumOf(store, "k6_http_reqs_total"), 373);
      assert.equal(total(receiver, "k6_http_reqs_total"), 373);
      // What is sent is what the user asked for: statistics are the default.
      assert.ok(sumOf(store, "k6_http_req_duration_p95") > 0);
      assert.ok(!stderr.includes("There is no --url"));
    })
  ));

test("a report that cannot be written is an error (on one runtime)", () =>
  withFolder(async (folder) => {
    assert.equal(
      await usageErrorOf(["send", recordingPaths.basic, "--report", join(folder, "report.pdf")]).then((message) =>
        message.replace(folder, "DIR").replace(/expected .*/, "expected ...")
      ),
      'Cannot read --report: it is "DIR/report.pdf", expected ...',
    );
    const missing = join(folder, "none");
    assert.equal(
      await usageErrorOf(["send", recordingPaths.basic, "--report", join(missing, "r.html")]),
      `Cannot write the report "${join(missing, "r.html")}": there is no folder "${missing}"`,
    );
    assert.equal(
      await usageErrorOf(["run", "script.js", "--k6", process.execPath, "--open"]),
      "Cannot use --open: there is no live page, expected also --ui",
    );
  }));

test("sizes and times of the retention are checked", async () => {
  assert.equal(
    await usageErrorOf(["receive", "--retention-size", "10"]),
    'Cannot read --retention-size: it is "10", expected a size of at least 1MB, such as 128MB',
  );
  assert.match(await usageErrorOf(["receive", "--retention-time", "0"]), /^Cannot read --retention-time: it is "0"/);
});

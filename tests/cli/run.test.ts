import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noSkips } from "../../src/k6/read/k6_reader.ts";
import { chooseTestid, concludeRun, measuredNothing } from "../../src/cli/run.ts";
import type { RunResult } from "../../src/cli/summary.ts";
import { runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { recordingPaths, startOfRecording } from "../support/recorded_run.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { prometheus, refusing } from "../support/scripted_receiver.ts";
import type { StandIn } from "../support/stand_in_k6.ts";
import { isRunning, lastLine, total, untagged, withK6 } from "../support/with_k6.ts";

const progress = Array.from({ length: 10 }, (_, piece) => `running, ${piece * 520} of 5200\n`).join("");

test("run sends what k6 measures, and k6 prints as always; its JSON comes through a FIFO that only this user can open", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "--vus", "10", "script.js"], options({ json: recordingPaths.basic }));
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, `${progress}k6's summary\n`);
    assert.match(
      result.stderr,
      /^-> http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write \(remote write 2\.0 or 1\.0\)\nk6's log\n/,
    );
    assert.match(result.stderr, /5,177 k6 samples in 5,200 lines/);
    assert.match(lastLine(result), /^k6 ended with 0; delivered all [\d,]+ samples; testid basic$/);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    const { args, isFifo, folderMode, signals } = k6.report();
    assert.deepEqual([args[0], args[1], ...args.slice(3)], ["run", "--out", "--vus", "10", "script.js"]);
    assert.deepEqual([isFifo, folderMode, signals], [true, "700", 0]);
  }));

test("results arrive while k6 runs; the temporary folder is removed by then, so that even SIGKILL leaves nothing", () =>
  withK6(async ({ k6, receiver, options }) => {
    const running = startCli(["run", "script.js", "--flush-period", "20ms"], options({ ending: "waits" }));
    await running.printed("waiting 0");
    await receiver.arrived(100);
    assert.deepEqual(k6.leftovers(), []);
    const { pid } = k6.report();
    running.child.kill("SIGKILL");
    await new Promise((resolve) => running.child.on("exit", resolve));
    assert.deepEqual(k6.leftovers(), []);
    process.kill(pid, "SIGKILL");
    await running.ended;
  }));

test("if the command is killed, k6 does not wait for it: it writes the rest of its results, and ends with its own code", () =>
  withK6(async ({ k6, options }) => {
    // The rest is more than a FIFO holds.
    const does = { json: recordingPaths.basic, ending: "waits" } as const;
    const running = startCli(["run", "script.js"], { ...options(does), detached: true });
    await running.printed("waiting 0");
    const { pid } = k6.report();
    running.child.kill("SIGKILL");
    await new Promise((resolve) => running.child.on("exit", resolve));
    process.kill(pid, "SIGINT");
    // Its standard output is closed when k6 and all other processes of the run have ended.
    const { stdout } = await running.ended;
    assert.match(stdout, /k6's summary\n$/);
    assert.deepEqual([k6.report().signals, k6.report().code], [1, 105]);
  }));

test("if the command is killed before k6 opens its output, k6 does not wait for it either", () =>
  withK6(async ({ k6, options }) => {
    const does = { json: recordingPaths.basic, ending: "opens late" } as const;
    const running = startCli(["run", "script.js"], { ...options(does), detached: true });
    await running.printed("waiting 0");
    running.child.kill("SIGKILL");
    await new Promise((resolve) => running.child.on("exit", resolve));
    process.kill(k6.report().pid, "SIGINT");
    assert.match((await running.ended).stdout, /k6's summary\n$/);
    for (const name of k6.leftovers()) rmSync(join(k6.folder, "tmp", name), { recursive: true });
  }));

test("after a run, no process of it is left", () =>
  withK6(async ({ options }) => {
    const running = startCli(["run", "script.js"], { ...options(), detached: true });
    const { code } = await running.ended;
    assert.equal(code, 0);
    const { pid = NaN } = running.child;
    // A process that was killed may take a moment to end.
    while (isRunning(-pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  }));

/** Returns the result of a run in which all of 10 samples were delivered, apart from what is given. */
function resultOf({ delivered = 10, unknown = 0, samples = 10, foreign = 0, torn = 0 }): RunResult {
  const counts = { rejected: samples - delivered - unknown, failed: 0, dropped: 0, deferred: 0 };
  const report = { ...counts, samples, delivered, unknown, merged: 0, requests: 1, retries: 0, bytes: 1, reasons: [] };
  const skipped = { ...noSkips(), foreign, torn };
  const read = { lines: samples, samples, bytes: 1, skipped, unknownMetrics: [], invalidUtf8: 0 };
  const stats = { samplesIn: samples, samplesRefused: {}, series: 1, timeSeries: 1 };
  return { report, stats, read: [read] };
}

const conclusions: readonly (readonly [
  end: { code: number; signal?: string },
  totals: Parameters<typeof resultOf>[0] & { unreadable?: boolean },
  code: number,
  message: string,
])[] = [
  [{ code: 0 }, {}, 0, "k6 ended with 0; delivered all 10 samples"],
  [{ code: 99 }, {}, 99, "k6 ended with 99 (thresholds failed); delivered all 10 samples"],
  [{ code: 107 }, {}, 107, "k6 ended with 107 (the script threw an exception); delivered all 10 samples"],
  [{ code: 0 }, { unknown: 1, delivered: 9 }, 0, "k6 ended with 0; 1 of 10 samples perhaps not delivered"],
  [{ code: 0 }, { delivered: 9 }, 1, "k6 ended with 0; 1 of 10 samples not delivered"],
  [{ code: 99 }, { delivered: 9 }, 99, "k6 ended with 99 (thresholds failed); 1 of 10 samples not delivered"],
  [{ code: 0 }, { samples: 0, delivered: 0 }, 1, "k6 ended with 0; none of its results could be read"],
  [
    { code: 255 },
    { samples: 0, delivered: 0 },
    255,
    "k6 ended with 255 (see its message above); none of its results could be read",
  ],
  [{ code: 0 }, { foreign: 1 }, 1, "k6 ended with 0; delivered 10 samples, but some of its results could not be read"],
  [
    { code: 0 },
    { unreadable: true },
    1,
    "k6 ended with 0; delivered 10 samples, but some of its results could not be read",
  ],
  [
    { code: 137, signal: "SIGKILL" },
    { torn: 1 },
    137,
    "SIGKILL ended k6; delivered 10 samples, but some of its results could not be read",
  ],
];
for (const [end, { unreadable = false, ...totals }, code, message] of conclusions) {
  test(`${message}: the exit code is ${code}`, () => {
    const conclusion = concludeRun(end, { ...resultOf(totals), unreadable });
    assert.deepEqual([conclusion.code, conclusion.message], [code, message]);
  });
}

test("k6 measured nothing if it failed, and no line was a sample or could not be read", () => {
  const nothing = { samples: 0, delivered: 0 };
  assert.equal(measuredNothing({ code: 107 }, resultOf(nothing)), true);
  assert.equal(measuredNothing({ code: 0 }, resultOf(nothing)), false);
  assert.equal(measuredNothing({ code: 107 }, resultOf({ ...nothing, foreign: 1 })), false);
  assert.equal(measuredNothing({ code: 107 }, resultOf({})), false);
});

test("with --on-loss warn, the exit code is k6's own whatever was lost", () => {
  for (const [end, { unreadable = false, ...totals }, , message] of conclusions) {
    const conclusion = concludeRun(end, { ...resultOf(totals), unreadable, failsOnLoss: false });
    assert.deepEqual([conclusion.code, conclusion.message], [end.code, message]);
  }
});

const testids: readonly (readonly [{ testid?: string; labels?: Record<string, string> }, string])[] = [
  [{}, "made"],
  [{ testid: "mine" }, "mine"],
  [{ testid: "mine", labels: { testid: "label" } }, "mine"],
  [{ testid: "auto" }, "made"],
  [{ testid: "auto", labels: { testid: "label" } }, "made"],
  [{ labels: { testid: "label" } }, "label"],
  [{ labels: { site: "eu" } }, "made"],
];
for (const [options, testid] of testids) {
  test(`the testid of a run with ${JSON.stringify(options)} is ${testid}`, () =>
    assert.equal(chooseTestid(options, "made"), testid));
}

test("if k6 is killed in the middle of a line, what it wrote before is delivered, as a run without an end (on one runtime)", () =>
  withK6(async ({ receiver, options }) => {
    const args = ["run", "script.js", "--run-info", "--thresholds", "--stale-markers"];
    const result = await runCli(args, options({ json: recordingPaths.basic, ending: "killed" }));
    assert.equal(result.code, 137);
    assert.match(result.stderr, /3,097 k6 samples in 3,121 lines\n {3}skipped {2}1 cut off\n/);
    assert.match(lastLine(result), /^error: SIGKILL ended k6; delivered [\d,]+ samples?, but some/);
    assert.ok(total(receiver, "k6_http_reqs_total") > 0);
    // Nothing shows an end.
    assert.equal(total(receiver, "k6_run_info"), 1);
    assert.ok(receiver.samples.every(({ name, value }) => !/_ended|_passed$/.test(name) && !Number.isNaN(value)));
  }));

test("the run ends although k6 never opens its output, and is no success", () =>
  withK6(async ({ options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "never opened" }));
    assert.equal(result.code, 1, result.stderr);
    assert.match(lastLine(result), /^error: k6 ended with 0; none of its results could be read/);
  }));

test("--summary-json is written, too, if k6 fails before it measured anything (on one runtime)", () =>
  withK6(async ({ k6, options }) => {
    const path = k6.write("summary.json", "of an earlier run");
    const { code } = await runCli(
      ["run", "script.js", "--summary-json", path],
      options({ ending: "never opened", code: 107 }),
    );
    assert.equal(code, 107);
    const { exitCode, read, report } = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual([exitCode, read.samples, report.samples], [107, 0, 0]);
  }));

test("if k6 fails before it measured anything, one line follows its own message (on one runtime)", () =>
  withK6(async ({ options }) => {
    // As k6 does for a missing script or an unknown flag: it does not even open its output.
    const result = await runCli(["run", "--trnd-as", "native", "s.js"], options({ ending: "never opened", code: 255 }));
    assert.equal(result.code, 255);
    assert.deepEqual(result.stderr.trim().split("\n").slice(1), [
      "k6's log",
      "error: k6 ended with 255 (see its message above) before it measured anything, so nothing was sent",
      "error: Neither k6 nor this command has the flag --trnd-as; did you mean --trend-as?",
    ]);
  }));

test("with --on-loss warn, samples that were not delivered are a warning, and the exit code is k6's (on one runtime)", () =>
  withK6(async ({ options }) => {
    const result = await runCli(["run", "script.js"], options({}, { K6_PROMETHEUS_RW_ON_LOSS: "warn" }));
    assert.equal(result.code, 0, result.stderr);
    assert.match(lastLine(result), /^warn: k6 ended with 0; ([\d,]+) of \1 samples not delivered; testid basic$/);
    assert.doesNotMatch(result.stderr, /query/, "nothing is stored that a query could find");
  }, { script: refusing(400, "no") }));

test("k6's switch for native histograms has the effect that it has on k6's own output (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "--features", "native-histograms", "script.js"], options());
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(k6.report().args.slice(3), ["--features", "native-histograms", "script.js"]);
    const histograms = receiver.writes.flatMap(({ timeSeries }) => timeSeries)
      .filter(({ histograms = [] }) => histograms.length > 0).flatMap(({ labels }) => labels);
    assert.ok(histograms.some(({ value }) => value === "k6_http_req_duration_seconds"));
    assert.ok(receiver.samples.every(({ name }) => name !== "k6_http_req_duration_p95"));
  }, { script: undefined }));

test("a tag of k6 that wins over --testid is said, and so is what the whole command sends then (on one runtime)", () =>
  withK6(async ({ options }) => {
    const result = await runCli(["run", "--testid", "mine", "script.js"], options());
    assert.match(
      result.stderr,
      /^warn: k6's tag testid \("basic", from the script or --tag\) wins over --testid \("mine"\)\.$/m,
    );
    assert.match(lastLine(result), /; testid basic$/);
  }));

test("the run ends although a process that k6 left behind keeps the output open", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "held open" }));
    process.kill(k6.report().sleeper ?? NaN, "SIGKILL");
    assert.equal(result.code, 0, result.stderr);
    assert.equal(total(receiver, "k6_http_reqs_total"), 57);
  }));

test("the run ends although a process that k6 left behind continues to write", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "written on" }));
    const { sleeper = NaN } = k6.report();
    if (isRunning(sleeper)) process.kill(sleeper, "SIGKILL");
    assert.equal(result.code, 1, result.stderr);
    assert.match(lastLine(result), /but some of its results could not be read/);
    assert.equal(total(receiver, "k6_http_reqs_total"), 57);
  }));

test("results arrive at the pace at which k6 measures (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const json = k6.write("paced", startOfRecording(2000));
    const result = await runCli(["run", "script.js", "--flush-period", "20ms"], options({ json, pace: 2 }));
    assert.equal(result.code, 0, result.stderr);
    const iterations = receiver.samples.filter(({ name, labels }) =>
      name === "k6_iterations_total" && labels.scenario === "browse"
    );
    assert.ok(iterations.length > 3, `${iterations.length} samples`);
    assert.equal(total(receiver, "k6_http_reqs_total"), 144);
  }));

test("with --overflow block, k6 waits for an endpoint that is down, and nothing is lost (on one runtime)", () =>
  withK6(async ({ k6, options }) => {
    let waited: boolean | undefined;
    const server = await startReceiver({
      script: prometheus,
      faults: Array.from({ length: 3 }, () => ({ kind: "answer", status: 503 })),
      around: (serve) => {
        if (server.requests.length === 3) waited = k6.report().signals === undefined;
        return serve();
      },
    });
    const args = ["run", "script.js", "--overflow", "block", "--capacity", "1", "--flush-period", "10ms"];
    const result = await runCli(args, options({ json: recordingPaths.basic }, { K6_PROMETHEUS_REMOTE_URL: server.url }))
      .finally(() => server.close());
    assert.equal(result.code, 0, result.stderr);
    assert.match(lastLine(result), /delivered all/);
    assert.equal(waited, true);
  }));

test("garbage is counted and is no success; k6's samples among it are delivered (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7919) ^ (at >> 7));
    const json = k6.write("garbage", Buffer.concat([bytes, Buffer.from(`\n${untagged}`), bytes]));
    const result = await runCli(["run", "script.js"], options({ json }));
    assert.equal(result.code, 1, result.stderr);
    assert.match(
      lastLine(result),
      /^error: k6 ended with 0; delivered [\d,]+ samples?, but some of its results could not be read/,
    );
    assert.equal(receiver.samples.findLast(({ name }) => name === "k6_vus")?.value, 29);
  }));

test("k6 gets no secrets in variables; outputs in K6_OUT are replaced, and neither lost nor doubled (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hunter2", AWS_SESSION_TOKEN: "t", AWS_REGION: "r" };
    const result = await runCli(
      ["run", "script.js"],
      options({}, {
        ...aws,
        K6_OUT: `csv=a.csv,xk6-prometheus-rw=url=${receiver.url.replace("//", "//ann:hunter2@")}`,
        K6_PROMETHEUS_REMOTE_URL: "",
        "K6_PROMETHEUS_HEADERS_X-Token": "hunter2",
        K6_PROMETHEUS_RW_LABELS: "team=hunter2",
        K6_KEEP_TAGS: "true",
        K6_VUS: "3",
      }),
    );
    assert.equal(result.code, 0, result.stderr);
    const { args, variables } = k6.report();
    assert.deepEqual(args.slice(3), ["--out", "csv=a.csv", "script.js"]);
    assert.deepEqual(variables, [...Object.keys(aws), "K6_KEEP_TAGS", "K6_VUS"].sort());
    assert.equal(receiver.requests.at(-1)?.headers.get("authorization"), `Basic ${btoa("ann:hunter2")}`);
    assert.doesNotMatch(result.stdout + result.stderr, /hunter2/);
  }));

test("AWS's credentials sign the requests, and k6 does not get them then (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hunter2", AWS_SESSION_TOKEN: "t", AWS_REGION: "r" };
    const signed = await runCli(["run", "script.js", "--sigv4-region", "eu-west-1"], options({}, aws));
    assert.equal(signed.code, 0, signed.stderr);
    assert.deepEqual(k6.report().variables, ["AWS_REGION"]);
    assert.match(receiver.requests.at(-1)?.headers.get("authorization") ?? "", /^AWS4-HMAC-SHA256 Credential=id\//);
  }));

test("run reads the file that K6_PROMETHEUS_RW_CONFIG names, because --config is k6's; an endpoint's credentials are kept from k6 (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hunter2", AWS_SESSION_TOKEN: "t", AWS_REGION: "r" };
    const path = k6.write(
      "rw.json",
      JSON.stringify({ endpoints: [{ url: receiver.url, sigv4Region: "eu-west-1" }, { url: receiver.url }] }),
    );
    const env = { ...aws, K6_PROMETHEUS_RW_CONFIG: path, K6_PROMETHEUS_REMOTE_URL: "" };
    const { code, stderr } = await runCli(["run", "script.js"], options({}, env));
    assert.equal(code, 0, stderr);
    assert.deepEqual(k6.report().variables, ["AWS_REGION"]);
    const signed = receiver.requests.filter(({ headers }) =>
      headers.get("authorization")?.startsWith("AWS4-") === true
    );
    assert.ok(signed.length > 0 && signed.length < receiver.requests.length);
  }));

test("a run gets a testid unless it has one; the script's own takes precedence (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const json = k6.write("untagged", untagged);
    const testidOf = async (args: string[], does: Partial<StandIn>): Promise<string | undefined> => {
      const result = await runCli(["run", ...args, "script.js"], options(does));
      assert.equal(result.code, 0, result.stderr);
      const testid = receiver.samples.at(-1)?.labels.testid;
      assert.equal(/; testid (.*)$/.exec(lastLine(result))?.[1], testid);
      return testid;
    };
    assert.match(await testidOf([], { json }) ?? "", /^\d{8}-\d{6}-[0-9a-z]{8}$/);
    assert.equal(await testidOf(["--testid", "mine"], {}), "basic");
  }));

test("the outputs that run replaces are removed from k6's arguments, and their options are read; k6's exit code is kept (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const outputs = ["--out", "csv=a.csv", "-o", `xk6-prometheus-rw=url=${receiver.url},mapping=raw`];
    const { env } = options({ code: 99 }, { K6_PROMETHEUS_REMOTE_URL: "" });
    const result = await runCli(["run", "script.js", ...outputs], { env });
    assert.equal(result.code, 99, result.stderr);
    assert.match(lastLine(result), /^k6 ended with 99 \(thresholds failed\); delivered all [\d,]+ samples/);
    assert.deepEqual(k6.report().args.slice(3), ["script.js", "--out", "csv=a.csv"]);
    assert.ok(receiver.samples.some(({ name }) => name === "k6_http_reqs"), "the mapping is raw");
  }));

test("without mkfifo, a file is followed instead", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ paceMs: 20 }, { PATH: k6.folder, K6_BIN: k6.path }));
    assert.equal(result.code, 0, result.stderr);
    assert.equal(k6.report().isFifo, false);
    assert.equal(total(receiver, "k6_http_reqs_total"), 57);
  }));

test("run starts the k6 of --k6, and hands it everything after -- (on one runtime)", () =>
  withK6(async ({ k6, options }) => {
    const found = await runCli(["run", "--k6", k6.path, "--", "--help"], options({}, { K6_BIN: "/nowhere/k6" }));
    assert.equal(found.code, 0, found.stderr);
    assert.deepEqual(k6.report().args.slice(3), ["--help"]);
  }));

test("wrong options, and a k6 that is missing, are errors before anything starts", async () => {
  assert.match(
    await usageErrorOf(["run", "script.js", "--flush-period", "soon"]),
    /^Cannot read --flush-period: it is "soon"/,
  );
  assert.match(
    await usageErrorOf(["run", "script.js", "--k6", "/nowhere/k6"]),
    /^Cannot find k6: --k6 is "\/nowhere\/k6", which is not a program, expected k6; see https:.*install-k6/,
  );
});

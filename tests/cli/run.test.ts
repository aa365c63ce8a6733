import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { runCli, startCli } from "../support/cli.ts";
import { FakePrometheus } from "../support/fake_prometheus.ts";
import { startFaultServer } from "../support/fault_server.ts";
import type { StandIn } from "../support/stand_in_k6.ts";
import { isRunning, lastLine, total, untagged, withK6 } from "../support/with_k6.ts";

const progress = Array.from({ length: 10 }, (_, piece) => `running, ${piece * 520} of 5200\n`).join("");

test("run sends what k6 measures, and k6 prints as always; its JSON comes through a FIFO that nobody else can open", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "--vus", "10", "script.js"], options());
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, `${progress}k6's summary\n`);
    assert.match(result.stderr, /^k6's log\n/);
    assert.match(result.stderr, /5,177 k6 samples in 5,200 lines/);
    assert.match(lastLine(result), /^k6 ended with 0; delivered all [\d,]+ samples; testid basic$/);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    const { args, isFifo, folderMode, signals } = k6.report();
    assert.deepEqual([args[0], args[1], ...args.slice(3)], ["run", "--out", "--vus", "10", "script.js"]);
    assert.deepEqual([isFifo, folderMode, signals], [true, "700", 0]);
  }));

test("results arrive while k6 runs; then the temporary folder is gone already, so that even SIGKILL leaves nothing", () =>
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

test("k6's exit code stays where all was delivered", () =>
  withK6(async ({ options }) => {
    for (const [code, words] of [[99, "99 \\(thresholds failed\\)"], [107, "107"]] as const) {
      const result = await runCli(["run", "script.js"], options({ code }));
      assert.equal(result.code, code, result.stderr);
      assert.match(lastLine(result), new RegExp(`^k6 ended with ${words}; delivered all [\\d,]+ samples`));
    }
  }));

test("where something was lost, 0 becomes 1, and another exit code of k6 stays", () =>
  withK6(async ({ options }) => {
    for (const [code, expected] of [[0, 1], [99, 99]]) {
      const result = await runCli(["run", "script.js"], options({ code }));
      assert.equal(result.code, expected, result.stderr);
      assert.match(
        lastLine(result),
        new RegExp(`^error: k6 ended with ${code}.*; ([\\d,]+) of \\1 samples not delivered`),
      );
    }
  }, { status: 400, reason: "out of bounds" }));

test("a k6 that is killed in the middle of a line: what it wrote before is delivered", () =>
  withK6(async ({ receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "killed" }));
    assert.equal(result.code, 137);
    assert.match(result.stderr, /3,097 k6 samples in 3,121 lines\n {3}skipped {2}1 cut off\n/);
    assert.match(lastLine(result), /^error: k6 was ended by SIGKILL; delivered \d+ samples?, but not all/);
    assert.ok(total(receiver, "k6_http_reqs_total") > 0);
  }));

test("a k6 that never opens its output hangs nothing, and is no success", () =>
  withK6(async ({ options }) => {
    for (const [code, expected] of [[0, 1], [255, 255]]) {
      const result = await runCli(["run", "script.js"], options({ ending: "never opened", code }));
      assert.equal(result.code, expected, result.stderr);
      assert.match(lastLine(result), new RegExp(`^error: k6 ended with ${code}; no result of it could be read`));
    }
  }));

test("a process that k6 leaves behind with the output open hangs nothing", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "held open" }));
    process.kill(k6.report().sleeper ?? NaN, "SIGKILL");
    assert.equal(result.code, 0, result.stderr);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
  }));

test("nor does one that writes on and on", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ ending: "written on" }));
    const { sleeper = NaN } = k6.report();
    if (isRunning(sleeper)) process.kill(sleeper, "SIGKILL");
    assert.equal(result.code, 1, result.stderr);
    assert.match(lastLine(result), /but not all that it wrote could be read/);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
  }));

test("results arrive at the pace at which k6 measures", () =>
  withK6(async ({ receiver, options }) => {
    const result = await runCli(["run", "script.js", "--flush-period", "20ms"], options({ pace: 20 }));
    assert.equal(result.code, 0, result.stderr);
    const iterations = receiver.samples.filter(({ name, labels }) =>
      name === "k6_iterations_total" && labels.scenario === "browse"
    );
    assert.ok(iterations.length > 3, `${iterations.length} samples`);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
  }));

test("with --overflow block, k6 waits for an endpoint that is down, and nothing is lost", () =>
  withK6(async ({ k6, options }) => {
    let waited: boolean | undefined;
    const server = await startFaultServer({
      receiver: new FakePrometheus(),
      faults: Array.from({ length: 5 }, () => ({ kind: "answer", status: 503 })),
      around: (serve) => {
        if (server.requests.length === 5) waited = k6.report().signals === undefined;
        serve();
      },
    });
    const args = ["run", "script.js", "--overflow", "block", "--capacity", "1", "--flush-period", "10ms"];
    const result = await runCli(args, options({}, { K6_PROMETHEUS_REMOTE_URL: server.url }))
      .finally(() => server.close());
    assert.equal(result.code, 0, result.stderr);
    assert.match(lastLine(result), /delivered all/);
    assert.equal(waited, true);
  }));

test("garbage is counted and no success; what is k6's among it is delivered", () =>
  withK6(async ({ k6, receiver, options }) => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7919) ^ (at >> 7));
    const json = k6.write("garbage", Buffer.concat([bytes, Buffer.from(`\n${untagged}`), bytes]));
    const result = await runCli(["run", "script.js"], options({ json }));
    assert.equal(result.code, 1, result.stderr);
    assert.match(lastLine(result), /^error: k6 ended with 0; delivered \d+ samples?, but not all that it wrote/);
    assert.equal(receiver.samples.findLast(({ name }) => name === "k6_vus")?.value, 29);
  }));

test("k6 gets no variable that may hold the endpoint's credentials", () =>
  withK6(async ({ k6, receiver, options }) => {
    const { code, stdout, stderr } = await runCli(
      ["run", "script.js"],
      options({}, {
        K6_PROMETHEUS_REMOTE_URL: receiver.url.replace("//", "//ann:hunter2@"),
        "K6_PROMETHEUS_HEADERS_X-Token": "hunter2",
        K6_PROMETHEUS_RW_LABELS: "team=hunter2",
        K6_KEEP_TAGS: "true",
        K6_VUS: "3",
      }),
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(k6.report().variables, ["K6_KEEP_TAGS", "K6_VUS"]);
    assert.equal(receiver.headers.at(-1)?.authorization, `Basic ${btoa("ann:hunter2")}`);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
  }));

test("nor that which names outputs, as a URL in it may hold them", () =>
  withK6(async ({ k6, receiver, options }) => {
    const output = `xk6-prometheus-rw=url=${receiver.url.replace("//", "//ann:hunter2@")}`;
    const result = await runCli(["run", "script.js"], options({}, { K6_PROMETHEUS_REMOTE_URL: "", K6_OUT: output }));
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(k6.report().variables, []);
    assert.equal(receiver.headers.at(-1)?.authorization, `Basic ${btoa("ann:hunter2")}`);
  }));

test("AWS's credentials are k6's, but not where requests are signed with them", () =>
  withK6(async ({ k6, receiver, options }) => {
    const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hunter2", AWS_SESSION_TOKEN: "t", AWS_REGION: "r" };
    const unsigned = await runCli(["run", "script.js"], options({}, aws));
    assert.equal(unsigned.code, 0, unsigned.stderr);
    assert.deepEqual(k6.report().variables, Object.keys(aws).sort());
    const signed = await runCli(["run", "script.js", "--sigv4-region", "eu-west-1"], options({}, aws));
    assert.equal(signed.code, 0, signed.stderr);
    assert.deepEqual(k6.report().variables, ["AWS_REGION"]);
    assert.match(receiver.headers.at(-1)?.authorization ?? "", /^AWS4-HMAC-SHA256 Credential=id\//);
  }));

test("a run gets a testid unless it has one; the script's own goes first", () =>
  withK6(async ({ k6, receiver, options }) => {
    const json = k6.write("untagged", untagged);
    const testidOf = async (args: string[], does: Partial<StandIn>, env = {}): Promise<string | undefined> => {
      const result = await runCli(["run", ...args, "script.js"], options(does, env));
      assert.equal(result.code, 0, result.stderr);
      const testid = receiver.samples.at(-1)?.labels.testid;
      assert.equal(/; testid (.*)$/.exec(lastLine(result))?.[1], testid);
      return testid;
    };
    const made = await testidOf([], { json });
    assert.match(made ?? "", /^\d{8}-\d{6}-[0-9a-z]{8}$/);
    assert.notEqual(await testidOf([], { json }), made);
    assert.match(await testidOf(["--testid", "auto"], { json }) ?? "", /^\d{8}-/);
    assert.equal(await testidOf(["--testid", "mine"], { json }), "mine");
    const labelled = { K6_PROMETHEUS_RW_LABELS: "testid=label" };
    assert.match(await testidOf(["--testid", "auto"], { json }, labelled) ?? "", /^\d{8}-/);
    assert.equal(await testidOf([], { json }, { K6_PROMETHEUS_RW_LABELS: "testid=label" }), "label");
    assert.equal(await testidOf(["--testid", "mine"], {}), "basic");
  }));

test("the names of the outputs that this replaces are understood, and what stands behind them is read", () =>
  withK6(async ({ k6, receiver, options }) => {
    const outputs = ["--out", "csv=a.csv", "-o", `xk6-prometheus-rw=url=${receiver.url},mapping=raw`];
    const { env } = options({}, { K6_PROMETHEUS_REMOTE_URL: "" });
    const result = await runCli(["run", "script.js", ...outputs], { env });
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(k6.report().args.slice(3), ["script.js", "--out", "csv=a.csv"]);
    assert.ok(receiver.samples.some(({ name }) => name === "k6_http_reqs"), "the mapping is raw");
  }));

test("outputs in K6_OUT are neither lost nor doubled", () =>
  withK6(async ({ k6, options }) => {
    const result = await runCli(["run", "script.js"], options({}, { K6_OUT: "csv=a.csv,output-prometheus-remote" }));
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(k6.report().args.slice(3), ["--out", "csv=a.csv", "script.js"]);
  }));

test("without mkfifo, a file is followed instead", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(["run", "script.js"], options({ paceMs: 20 }, { PATH: k6.folder, K6_BIN: k6.path }));
    assert.equal(result.code, 0, result.stderr);
    assert.equal(k6.report().isFifo, false);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
  }));

test("k6 is found by --k6, by K6_BIN, and in PATH; else one line says how to get it, and the exit code is 2", () =>
  withK6(async ({ k6, options }) => {
    const empty = { PATH: k6.folder };
    const found = await runCli(["run", "--k6", k6.path, "script.js"], options({}, { K6_BIN: "/nowhere/k6" }));
    assert.equal(found.code, 0, found.stderr);
    chmodSync(k6.write("no-program", ""), 0o644);
    const wrong: readonly [string[], Record<string, string>, RegExp][] = [
      [
        [],
        empty,
        /^error: Cannot find k6: there is none in PATH, expected it there, in K6_BIN or as --k6 PATH; https:/,
      ],
      [[], { ...empty, K6_BIN: "/nowhere/k6" }, /Cannot find k6: K6_BIN is "\/nowhere\/k6", where there is no program/],
      [["--k6", `${k6.folder}/no-program`], {}, /Cannot find k6: --k6 is ".*no-program", where there is no program/],
      [["--k6", "k7"], {}, /Cannot find k6: --k6 is "k7"/],
    ];
    for (const [args, env, message] of wrong) {
      const { code, stdout, stderr } = await runCli(["run", ...args, "script.js"], options({}, env));
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, message);
      assert.match(stderr, /^.*install-k6.*\n$/);
    }
  }));

test("a program that cannot be started is said so", () =>
  withK6(async ({ k6, options }) => {
    const path = k6.write("not-a-program", "#!/nowhere/interpreter\n");
    chmodSync(path, 0o755);
    const { code, stderr } = await runCli(["run", "--k6", path, "script.js"], options());
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: Cannot start k6: .*install-k6.*\n$/);
  }));

test("wrong options are refused before k6 starts", () =>
  withK6(async ({ k6, options }) => {
    const { code, stdout, stderr } = await runCli(["run", "script.js", "--flush-period", "soon"], options());
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^error: Cannot read --flush-period: it is "soon"/);
    assert.throws(() => k6.report());
  }));

test("--help of run names its own flags only, and after -- it is k6's", () =>
  withK6(async ({ k6, options }) => {
    const help = await runCli(["run", "--help"]);
    assert.equal(help.code, 0);
    for (const name of ["--k6 PATH", "--testid", "K6_BIN", "output-prometheus-remote", "Exit codes"]) {
      assert.ok(help.stdout.includes(name), name);
    }
    assert.ok(help.stdout.split("\n").every((line) => line.length <= 100), help.stdout);
    assert.doesNotMatch(help.stdout, /^ {2}--(quiet|config|insecure-skip-tls-verify)\b/m);
    await runCli(["run", "--", "--help"], options());
    assert.deepEqual(k6.report().args.slice(3), ["--help"]);
  }));

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, rmdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Accepted, type AcceptOptions, acceptSamples } from "../support/accept_samples.ts";
import { cliCommand, type CliOptions, type CliResult, runCli, startCli } from "../support/cli.ts";
import { FakePrometheus } from "../support/fake_prometheus.ts";
import { startFaultServer } from "../support/fault_server.ts";
import { makeStandInK6, type StandIn, type StandInK6 } from "../support/stand_in_k6.ts";

const recording = "tests/fixtures/k6/basic/run.json.gz";
const progress = Array.from({ length: 10 }, (_, piece) => `running, ${piece * 520} of 5200\n`).join("");
const untagged = Array.from(
  { length: 30 },
  (_, at) =>
    `{"metric":"vus","type":"Point","data":{"time":"2023-11-22T11:19:49.${100 + at}Z","value":${at},"tags":{}}}\n`,
).join("");

interface Scene {
  readonly k6: StandInK6;
  readonly receiver: Accepted;
  /** What `run` is started with: the receiver as endpoint, and k6 doing this. */
  options(does?: Partial<StandIn>, env?: Record<string, string>): CliOptions & { env: Record<string, string> };
}

/** With a stand-in for k6 and a receiver; afterwards nothing may be left of what was temporary. */
async function withK6(use: (scene: Scene) => Promise<void>, accept?: AcceptOptions): Promise<void> {
  const k6 = makeStandInK6();
  const receiver = await acceptSamples(accept);
  try {
    await use({
      k6,
      receiver,
      options: (does, env) => ({
        env: { ...k6.env({ json: recording, ...does }), K6_PROMETHEUS_REMOTE_URL: receiver.url, ...env },
      }),
    });
    assert.deepEqual(k6.leftovers(), []);
  } finally {
    await receiver.close();
    k6.remove();
  }
}

function lastLine({ stderr }: CliResult): string {
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}

/** The sum of the last values of a counter's series. */
function total({ samples }: Accepted, metric: string): number {
  const last = new Map(
    samples.filter(({ name }) => name === metric).map(({ labels, value }) => [JSON.stringify(labels), value]),
  );
  return [...last.values()].reduce((sum, value) => sum + value, 0);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs it in a terminal of its own; told of each change of the screen once k6 waits. */
async function runInTerminal(
  env: Readonly<Record<string, string>>,
  onScreen: (screen: string, press: (keys: string) => void) => void,
): Promise<{ code: unknown; screen: string }> {
  // In the shell's place: a shell that stays gets the terminal's Ctrl-C too, and some end with it, not with the command's code.
  const command = `exec ${[...cliCommand, "run", "script.js"].map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...process.env, ...env, TERM: "xterm", SHELL: "/bin/sh" },
  });
  let screen = "";
  child.stdout.on("data", (chunk) => {
    screen += chunk;
    if (screen.includes("waiting 0")) onScreen(screen, (keys) => child.stdin.write(keys));
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, screen };
}

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

test("a signal after k6's end ends the reading, and what was not read is no success", () =>
  withK6(async ({ k6, options }) => {
    const json = k6.write("untagged", untagged);
    const args = ["--overflow", "block", "--capacity", "1", "--flush-period", "10ms", "--close-timeout", "100ms"];
    const running = startCli(["run", "script.js", ...args], options({ json, paceMs: 20 }));
    await running.printed("k6's summary");
    const { pid } = k6.report();
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    running.signal("SIGTERM");
    const result = await running.ended;
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /warn: SIGTERM: sending what is there; once more to end at once/);
    assert.match(lastLine(result), /^error: k6 ended with 0; /);
  }, { status: 503 }));

test("a second signal while it sends what is left ends it at once", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js", "--close-timeout", "10m"], options());
    await running.printed("k6's summary");
    const { pid } = k6.report();
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    const result = await running.insist("SIGINT");
    assert.equal(result.code, 130, result.stderr);
    assert.match(result.stderr, /warn: SIGINT: sending what is there/);
  }, { status: 503 }));

test("a signal before k6 is started ends the run without it, and leaves nothing", () =>
  withK6(async ({ k6, options }) => {
    chmodSync(k6.write("bin/mkfifo", '#!/bin/sh\nkill -TERM $PPID\nPATH=/usr/bin:/bin exec mkfifo "$@"\n'), 0o755);
    const { code, stderr } = await runCli(["run", "script.js"], options());
    assert.equal(code, 143, stderr);
    assert.match(stderr, /^warn: SIGTERM: k6 is not started; /);
    assert.throws(() => k6.report());
  }));

test("SIGQUIT ends both at once, and leaves nothing", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGQUIT");
    const result = await running.ended;
    assert.equal(result.code, 131, result.stderr);
    assert.equal(isRunning(k6.report().pid), false);
  }));

test("what is left by a run that was killed before k6 wrote is removed by a later one, but nothing that may be in use", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGKILL");
    process.kill(k6.report().pid, "SIGKILL");
    await running.ended;
    const [left = ""] = k6.leftovers();
    const temporary = join(k6.folder, "tmp");
    const long = new Date(Date.now() - 7_200_000);
    const others = [`k6-remote-write-run-${process.pid}-abc`, "k6-remote-write-run-abc"];
    for (const name of others) mkdirSync(join(temporary, name));
    for (const name of others) utimesSync(join(temporary, name), long, long);
    await runCli(["run", "script.js"], options());
    assert.deepEqual(k6.leftovers().sort(), [left, ...others].sort());
    utimesSync(join(temporary, left), long, long);
    await runCli(["run", "script.js"], options());
    assert.deepEqual(k6.leftovers().sort(), others.sort());
    for (const name of others) rmdirSync(join(temporary, name));
  }));

test("where nothing temporary can be made, one line says so, and nothing is left", () =>
  withK6(async ({ k6, options }) => {
    const nowhere = await runCli(["run", "script.js"], options({}, { TMPDIR: "/nowhere" }));
    assert.equal(nowhere.code, 2, nowhere.stderr);
    assert.match(nowhere.stderr, /^error: Cannot make a temporary folder in "\/nowhere": .*TMPDIR\)\n$/);
    chmodSync(k6.write("bin/mkfifo", "#!/bin/sh\n"), 0o755);
    const unmade = await runCli(["run", "script.js"], options());
    assert.equal(unmade.code, 2, unmade.stderr);
    assert.match(unmade.stderr, /^error: Cannot open ".*k6\.json": .*, expected a folder that can hold a FIFO\n$/);
    assert.throws(() => k6.report());
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

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} without a terminal is handed on once; k6 stops in its own way, and what it still writes is delivered`, () =>
    withK6(async ({ k6, receiver, options }) => {
      const running = startCli(["run", "script.js"], { ...options({ ending: "waits" }), detached: true });
      await running.printed("waiting 0");
      running.signal(signal);
      running.signal(signal);
      const result = await running.ended;
      assert.equal(result.code, 105, result.stderr);
      assert.match(result.stdout, new RegExp(`k6 got ${signal} \\(1\\)\n[^]*running, 4680 of 5200\nk6's summary\n$`));
      assert.match(result.stderr, new RegExp(`warn: ${signal}: k6 stops, and what it still writes is sent`));
      assert.match(lastLine(result), /^k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples/);
      assert.equal(k6.report().signals, 1);
      assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    }));
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(`a second ${signal} ends both, and leaves nothing`, () =>
    withK6(async ({ k6, options }) => {
      const running = startCli(["run", "script.js"], options({ ending: "deaf" }));
      await running.printed("waiting 0");
      const result = await running.insist(signal);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stdout, /k6 got SIG/);
      assert.equal(isRunning(k6.report().pid), false);
    }));
}

test("in a terminal: k6 has it, gets Ctrl-C once, and its screen stays whole", () =>
  withK6(async ({ k6, receiver, options }) => {
    let pressed = false;
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, (_, press) => {
      if (!pressed) press("\x03");
      pressed = true;
    });
    assert.equal(code, 105, screen);
    const { terminal, signals } = k6.report();
    assert.deepEqual([terminal, signals], [true, 1]);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    // Each message takes away the bars below the cursor before it.
    assert.ok(screen.includes("\r\x1b[Jwarn: SIGINT: k6 stops"), screen);
    assert.match(screen, /k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples; testid basic\r\n$/);
  }));

test("a SIGINT for the command alone, at a terminal, is not handed on, as it may be the terminal's: that is said", () =>
  withK6(async ({ k6, options }) => {
    const told = new Set<number>();
    const interruptOnce = (pid: number): void => {
      if (!told.has(pid)) process.kill(pid, "SIGINT");
      told.add(pid);
    };
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, (screen) => {
      const { pid, ppid } = k6.report();
      interruptOnce(ppid);
      if (screen.includes(`kill -INT ${pid} stops it`)) interruptOnce(pid);
    });
    assert.equal(code, 105, screen);
    assert.equal(k6.report().signals, 1);
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

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { constants, gunzipSync } from "node:zlib";
import { version } from "../../src/model/version.ts";
import { makeCertificates } from "../support/certificates.ts";
import { runCli, startCli } from "../support/cli.ts";
import { FakePrometheus } from "../support/fake_prometheus.ts";
import { startFaultServer } from "../support/fault_server.ts";
import { type Accepted, type AcceptOptions, acceptSamples } from "../support/accept_samples.ts";

const recording = "tests/fixtures/k6/basic/run.json.gz";
const point = (value: number): string =>
  `{"metric":"vus","type":"Point","data":{"time":"2023-11-22T11:19:49.${100 + value}Z","value":${value},"tags":{}}}\n`;

/** A receiver in this process, for as long as the function runs. */
async function withReceiver(use: (receiver: Accepted) => Promise<void>, options?: AcceptOptions): Promise<void> {
  const receiver = await acceptSamples(options);
  try {
    await use(receiver);
  } finally {
    await receiver.close();
  }
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-cli-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withFifo(use: (path: string) => Promise<void>): Promise<void> {
  await withFolder((folder) => {
    const path = join(folder, "fifo");
    execFileSync("mkfifo", [path]);
    return use(path);
  });
}

test("send delivers a recorded file, sums it up, and exits with 0", () =>
  withReceiver(async ({ url, samples }) => {
    const { code, stdout, stderr } = await runCli([recording, "--url", url]);
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /5,177 k6 samples in 5,200 lines/);
    assert.match(stderr, /delivered {2}([\d,]+) of \1 samples/);
    const requests = new Map(
      samples.filter(({ name }) => name === "k6_http_reqs_total").map((
        { labels, value },
      ) => [JSON.stringify(labels), value]),
    );
    assert.equal([...requests.values()].reduce((sum, value) => sum + value), 373);
  }));

test("--log-level debug says what was read of each input", () =>
  withReceiver(async ({ url }) => {
    const { stderr } = await runCli(["-", "--url", url, "--log-level", "debug"], { input: point(1) });
    assert.match(stderr, /debug: Standard input: 1 line, \d+ B\n/);
  }));

test("several files, gzip of several members among them, are sent in order", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const gzip = readFileSync(recording);
      writeFileSync(join(folder, "two.gz"), Buffer.concat([gzip, gzip]));
      writeFileSync(join(folder, "plain.json"), point(7));
      const { code, stderr } = await runCli(["send", join(folder, "two.gz"), join(folder, "plain.json"), "--url", url]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /10,355 k6 samples in 10,401 lines/);
      assert.equal(samples.findLast(({ name }) => name === "k6_vus")?.value, 7);
    })
  ));

test("all that can be read of a file that is cut off is delivered, and the exit code is 1", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const path = join(folder, "cut.gz");
      const cut = readFileSync(recording).subarray(0, 30_000);
      writeFileSync(path, cut);
      // What zlib itself makes of the same bytes, in one go; the last line is torn.
      const text = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
      const points = text.split("\n").slice(0, -1).filter((line) => line.includes('"type":"Point"'));
      const { code, stderr } = await runCli([path, "--url", url]);
      assert.equal(code, 1);
      assert.match(stderr, /error: Cannot read .*cut\.gz to its end/);
      assert.match(stderr, new RegExp(` ${points.length.toLocaleString("en")} k6 samples `));
      assert.ok(samples.length > 500);
      const missing = await runCli([join(folder, "missing.json"), "--url", url]);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /error: Cannot read .*missing\.json/);
    })
  ));

test("standard input is sent live; lines that are not k6's are passed through", () =>
  withReceiver(async ({ url, samples }) => {
    const input = `  execution: local\n\n${point(1)}running (0m01.0s)\r\n${point(3)}`;
    const { code, stdout, stderr } = await runCli([], { input, env: { K6_PROMETHEUS_REMOTE_URL: url } });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "  execution: local\n\nrunning (0m01.0s)\n");
    assert.equal(samples.findLast(({ name }) => name === "k6_vus")?.value, 3);
  }));

test("live input is flushed while it is open; after SIGINT it is read to its end", () =>
  withReceiver(async ({ url, samples, arrived }) => {
    const running = startCli(["send", "-", "--url", url, "--flush-period", "20ms"], {
      input: point(1),
      keepOpen: true,
    });
    await arrived(1);
    running.child.stdin?.write(point(2));
    await arrived(2);
    running.signal("SIGINT");
    await running.printed("SIGINT");
    running.child.stdin?.write(point(3));
    running.child.stdin?.end();
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.equal(samples.at(-1)?.value, 3);
    assert.match(stderr, /3 k6 samples in 3 lines/);
  }));

test("with --overflow block, live input waits for an endpoint that is down, and nothing is lost", async () => {
  let waited: boolean | undefined;
  let printed = "";
  const json = gunzipSync(readFileSync(recording)).toString();
  const server = await startFaultServer({
    receiver: new FakePrometheus(),
    faults: Array.from({ length: 5 }, () => ({ kind: "answer", status: 503 })),
    around: (serve) => {
      // Now the queue is full.
      if (server.requests.length === 1) running.child.stdin?.end(`${json.repeat(4)}the end\n`);
      if (server.requests.length === 5) waited = !printed.includes("the end");
      serve();
    },
  });
  const running = startCli(
    ["-", "--overflow", "block", "--capacity", "1", "--flush-period", "10ms", "--url", server.url],
    { input: json.slice(0, json.indexOf("\n", 20_000) + 1), keepOpen: true },
  );
  running.child.stdout?.on("data", (chunk) => printed += chunk);
  const { code, stderr } = await running.ended.finally(() => server.close());
  assert.equal(code, 0, stderr);
  assert.deepEqual([waited, printed], [true, "the end\n"]);
});

test("at SIGTERM what was read is sent, and the exit code stays truthful", () =>
  withReceiver(async ({ url, samples }) => {
    const running = startCli(["-", "--url", url, "--flush-period", "1h"], {
      input: `${point(1)}hello\n`,
      keepOpen: true,
    });
    await running.printed("hello");
    running.signal("SIGTERM");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(samples.map(({ value }) => value), [1]);
  }));

test("a FIFO is read to its end", () =>
  withReceiver(({ url, samples, arrived }) =>
    withFifo(async (path) => {
      const running = startCli([path, "--live", "--url", url, "--flush-period", "20ms"]);
      // For reading, too: it does not wait for a reader.
      const writer = openSync(path, "r+");
      writeSync(writer, point(1));
      await arrived(1);
      writeSync(writer, point(2));
      closeSync(writer);
      const { code, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.equal(samples.at(-1)?.value, 2);
    })
  ));

test("a FIFO that nothing comes through, or that nobody opens, does not outlast a signal", () =>
  withReceiver(({ url, arrived }) =>
    withFifo(async (path) => {
      const first = `${path}.json`;
      writeFileSync(first, point(1));
      const unopened = startCli([first, path, "--url", url, "--log-level", "debug"]);
      await unopened.printed("1 line,");
      unopened.signal("SIGTERM");
      assert.equal((await unopened.ended).code, 1);
      const writer = openSync(path, "r+");
      writeSync(writer, point(2));
      const idle = startCli([path, "--live", "--url", url, "--flush-period", "20ms"]);
      await arrived(2);
      idle.signal("SIGTERM");
      assert.equal((await idle.ended).code, 0);
      closeSync(writer);
    })
  ));

test("a second signal ends at once", () =>
  withReceiver(async ({ url }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.signal("SIGINT");
    await running.printed("SIGINT");
    assert.equal((await running.insist("SIGINT")).code, 130);
  }));

test("another signal ends at once, too, however soon it comes", () =>
  withReceiver(async ({ url }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.signal("SIGINT");
    await running.printed("SIGINT");
    running.signal("SIGTERM");
    assert.equal((await running.ended).code, 143);
  }));

test("a broken pipe behind standard output is no crash", () =>
  withReceiver(async ({ url, samples }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.child.stdout?.destroy();
    running.child.stdin?.write(`${"not k6's\n".repeat(1000)}${point(2)}`);
    running.child.stdin?.end();
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.equal(samples.at(-1)?.value, 2);
  }));

test("who has stopped reading standard output is not waited for after a signal", () =>
  withReceiver(async ({ url, arrived }) => {
    const running = startCli(["-", "--url", url, "--flush-period", "20ms"], { input: point(1), keepOpen: true });
    running.child.stdout?.pause();
    await arrived(1);
    running.child.stdin?.write(`${point(2)}${"not k6's\n".repeat(100_000)}`);
    await arrived(2);
    running.signal("SIGTERM");
    const code = await new Promise((resolve) => running.child.on("exit", resolve));
    running.child.stdout?.resume();
    assert.equal(code, 0);
    await running.ended;
  }));

test("--shift-to-now moves a recording so that it ends now", () =>
  withReceiver(async ({ url, samples }) => {
    const before = Date.now();
    const { code } = await runCli([recording, "--shift-to-now", "--quiet", "--url", url]);
    assert.equal(code, 0);
    const latest = samples.reduce((newest, { timestamp }) => Math.max(newest, timestamp), 0);
    assert.ok(latest >= before && latest <= Date.now() + 1, `the newest sample is at ${latest}, expected ${before}`);
  }));

test("rejected samples make the exit code 1, with the receiver's reason", () =>
  withReceiver(async ({ url }) => {
    const { code, stderr } = await runCli([recording, "--url", url]);
    assert.equal(code, 1);
    assert.match(stderr, /delivered {2}0 of [\d,]+ samples, [\d,]+ rejected/);
    assert.match(stderr, /out of bounds/);
    const quiet = await runCli([recording, "--url", url, "--quiet"]);
    assert.equal(quiet.code, 1);
    assert.match(quiet.stderr, /^error: Not everything was sent: ([\d,]+) of \1 samples not delivered\n$/);
  }, { status: 400, reason: "out of bounds" }));

test("where nobody listens, the command says so after --retry-deadline, counts what failed, and exits with 1", async () => {
  const { url, close } = await acceptSamples();
  await close();
  const { code, stderr } = await runCli([recording, "--retry-deadline", "2s", "--url", url]);
  assert.equal(code, 1);
  assert.match(stderr, /warn: Sending fails \(no answer: the connection was refused\); the sender tries again/);
  assert.match(stderr, /delivered {2}0 of ([\d,]+) samples, \1 failed\n +\1 failed: the connection was refused\n/);
});

const usage: readonly [string[], Record<string, string>, RegExp][] = [
  [["--flush-period", "soon"], {}, /^error: Cannot read --flush-period: it is "soon", expected a duration.*\n$/],
  [["--mapping", "x"], {}, /^error: Cannot read --mapping: it is "x", expected prometheus or raw or legacy\n$/],
  [[], { K6_PROMETHEUS_FLUSH_PERIOD: "soon" }, /^error: Cannot read K6_PROMETHEUS_FLUSH_PERIOD: it is "soon".*\n$/],
  [[], { K6_PROMETHEUS_NONSENSE: "1" }, /^error: .*there is no variable K6_PROMETHEUS_NONSENSE.*\n$/],
  [["--ulr", "x"], {}, /^error: .*there is no flag --ulr; did you mean --url\?\n$/],
  [["sned", "x"], {}, /^error: .*there is no command sned; did you mean send\?\n$/],
  [["--live", "--replay"], {}, /^error: .*--live and --replay exclude each other\n$/],
  [["--shift-to-now"], {}, /^error: Cannot use --shift-to-now: standard input/],
  [["--ca-cert-file", "/nonexistent/ca.pem"], {}, /^error: Cannot use the CA file "\/nonexistent\/ca\.pem": .*\n$/],
  [["--ca-cert-file", "README.md"], {}, /^error: Cannot use the CA file "README\.md": it holds no certificate.*\n$/],
  [
    ["--user", "a", "--password", "hunter2", "--header", "authorization: Bearer x"],
    {},
    /^error: Cannot authenticate: .*\n$/,
  ],
  [
    ["--trend-as", "histogram", "--trend-as-native-histogram"],
    {},
    /^error: .*--trend-as-native-histogram says that trendAs is "native", and --trend-as that it is "histogram".*\n$/,
  ],
  [["--header", "hunter2"], {}, /^error: Cannot read --header: it is not of the form NAME:VALUE\n$/],
];
for (const [args, env, message] of usage) {
  test(`${[...Object.keys(env), ...args].join(" ")} is one line and exit code 2`, async () => {
    const { code, stdout, stderr } = await runCli(args, { env, input: "" });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /hunter2/);
  });
}

test("--help and --version say what there is", async () => {
  const [all, command, printed] = await Promise.all([
    runCli(["--help"]),
    runCli(["send", "--help"]),
    runCli(["--version"]),
  ]);
  assert.deepEqual([all.code, command.code, printed.code], [0, 0, 0]);
  assert.match(all.stdout, /receive/);
  for (const name of ["--flush-period DURATION", "K6_PROMETHEUS_FLUSH_PERIOD", "default: 1s", "--shift-to-now"]) {
    assert.ok(command.stdout.includes(name), name);
  }
  assert.ok(command.stdout.split("\n").every((line) => line.length <= 100), command.stdout);
  assert.equal(printed.stdout, `k6-remote-write ${version}\n`);
});

test("over https: a CA file verifies, another one refuses, none takes anything with a warning; the password arrives", async () => {
  const certificates = makeCertificates();
  const garbage = `${certificates.caFile}.garbage`;
  writeFileSync(garbage, readFileSync(certificates.caFile, "utf8").replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAAAAAA"));
  try {
    await withReceiver(async ({ url, headers }) => {
      const sendPoint = (...args: string[]): ReturnType<typeof runCli> =>
        runCli(["-", "--replay", "--protocol", "1.0", "--url", url, ...args], {
          input: point(1),
          env: { K6_PROMETHEUS_USER: "ann", K6_PROMETHEUS_PASSWORD: "hunter2" },
        });
      const trusted = await sendPoint("--ca-cert-file", certificates.caFile);
      assert.equal(trusted.code, 0, trusted.stderr);
      assert.doesNotMatch(trusted.stderr, /certificate/);
      assert.equal(headers.at(-1)?.authorization, `Basic ${btoa("ann:hunter2")}`);
      const byDefault = await sendPoint();
      assert.equal(byDefault.code, 0, byDefault.stderr);
      assert.match(byDefault.stderr, /warn: Any certificate is taken/);
      const skipped = await sendPoint("--ca-cert-file", certificates.otherCaFile, "--insecure-skip-tls-verify");
      assert.equal(skipped.code, 0, skipped.stderr);
      const requests = headers.length;
      const untrusted = startCli(["-", "--replay", "--url", url, "--ca-cert-file", certificates.otherCaFile], {
        input: point(1),
      });
      const said = await untrusted.printed(/certificate/i);
      await untrusted.insist("SIGTERM");
      assert.match(said, /certificate|issuer/i);
      const bad = await sendPoint("--ca-cert-file", garbage);
      assert.equal(bad.code, 2, bad.stderr);
      assert.match(bad.stderr, /certificate 1 cannot be read/);
      assert.equal(headers.length, requests, "nothing is sent to whom is not trusted");
      for (const { stderr } of [trusted, byDefault, skipped, bad]) assert.doesNotMatch(stderr, /hunter2/);
    }, { tls: certificates.server });
  } finally {
    certificates.remove();
  }
});

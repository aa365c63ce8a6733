import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { acceptSamples } from "../support/accept_samples.ts";
import { runCli, type RunningCli, startCli } from "../support/cli.ts";
import { startReceiver } from "../support/receiver_server.ts";

const series = {
  labels: [{ name: "__name__", value: "requests_total" }, { name: "code", value: "200" }],
  samples: [{ value: 5, timestamp: 2000, startTimestamp: 1000 }],
  exemplars: [{ labels: [{ name: "trace_id", value: "t" }], value: 1, timestamp: 1999 }],
  metadata: { type: "counter", help: "Requests." },
} as const;

/** Where it listens. */
async function urlOf(running: RunningCli): Promise<string> {
  return /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
}

async function end(
  running: RunningCli,
): Promise<{ readonly code: number | string; readonly stdout: string; readonly stderr: string }> {
  running.signal("SIGTERM");
  return await running.ended;
}

for (const protocol of ["1.0", "2.0"] as const) {
  test(`receive --json shows samples, exemplars and, once, metadata that come in ${protocol}`, async () => {
    const running = startCli(["receive", "--port", "0", "--json", "--strict"]);
    const client = new RemoteWriteClient({ url: await urlOf(running), protocol });
    await client.write([series]);
    await client.write([{ ...series, samples: [{ value: 6, timestamp: 3000 }], exemplars: [] }]);
    const { code, stdout } = await end(running);
    assert.equal(code, 0);
    const labels = { __name__: "requests_total", code: "200" };
    const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    const start = protocol === "2.0" ? { startTimestamp: 1000 } : {};
    const meaning = { family: "requests_total", metadata: { type: "counter", help: "Requests." } };
    const first = [
      { labels, timestamp: 2000, ...start, value: 5 },
      { labels, exemplar: { labels: { trace_id: "t" }, value: 1, timestamp: 1999 } },
    ];
    const rest = [{ labels, timestamp: 3000, value: 6 }];
    // In 1.0, it comes on its own, after the samples.
    assert.deepEqual(lines, protocol === "2.0" ? [meaning, ...first, ...rest] : [...first, meaning, ...rest]);
  });
}

test("receive --strict says which rule is broken, and by which series", async () => {
  const running = startCli(["receive", "--port", "0", "--strict"]);
  const client = new RemoteWriteClient({ url: await urlOf(running), onWarning: () => {} });
  await client.write([series]);
  // The same value at the same time is no violation: receivers take it without harm.
  const later = { ...series, samples: [{ value: 6, timestamp: 1999 }], exemplars: [] };
  await assert.rejects(client.write([later]), { name: "DeliveryError" });
  const { stderr } = await end(running);
  assert.match(
    stderr,
    /^warn: requestOrder: a sample is at 1999, expected one after 2000 of an earlier request \(requests_total\{code="200"\}\)$/m,
  );
});

test("receive --forward sends on, with the target's credentials, and sends what is left at its end", async () => {
  const target = await startReceiver();
  try {
    const running = startCli(["receive", "--port", "0", "--forward", target.url, "--user", "ann", "--cors"], {
      env: { K6_PROMETHEUS_PASSWORD: "hunter2", K6_PROMETHEUS_REMOTE_URL: "http://not.test/" },
    });
    const client = new RemoteWriteClient({ url: await urlOf(running) });
    for (let second = 1; second <= 3; second++) {
      const samples = [{ value: second, timestamp: second * 1000 }];
      assert.equal((await client.write([{ ...series, samples }])).delivered, 1);
    }
    const { code, stdout, stderr } = await end(running);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /requests_total +1 +3 +3/);
    assert.match(stderr, /delivered {2}3 of 3 samples/);
    const values = target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ samples = [] }) => samples));
    assert.deepEqual(values.map(({ value }) => value), [1, 2, 3]);
    assert.deepEqual([...new Set(target.writes.map(({ headers }) => headers.get("authorization")))], [
      `Basic ${btoa("ann:hunter2")}`,
    ]);
    assert.ok(!`${stdout}${stderr}`.includes("hunter2"));
  } finally {
    await target.close();
  }
});

test("variables that make no difference to what is forwarded are named, in a configuration file they are an error", async () => {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-receive-"));
  try {
    const config = join(folder, "rw.json");
    writeFileSync(config, '{"timeout": "5s", "labels": {"site": "eu"}}');
    const args = ["receive", "--port", "0", "--forward", "http://127.0.0.1:9/"];
    const refused = await runCli([...args, "--config", config]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^error: Cannot use labels in .*rw\.json: forwarding changes no series, expected/);
    writeFileSync(config, '{"timeout": "5s", "pushInterval": "5s"}');
    const shared = startCli([...args, "--config", config]);
    await urlOf(shared);
    assert.match((await end(shared)).stderr, /^warn: Forwarding makes no use of pushInterval in .*rw\.json\.$/m);
    const env = {
      K6_PROMETHEUS_RW_TESTID: "run",
      K6_PROMETHEUS_RW_RELABEL_CONFIG_FILE: join(folder, "none"),
      K6_PROMETHEUS_RW_TIMEOUT: "5s",
      K6_KEEP_TAGS: "false",
    };
    const running = startCli(args, { env });
    await urlOf(running);
    const { stderr } = await end(running);
    const warnings = stderr.split("\n").filter((line) => line.startsWith("warn"));
    assert.deepEqual(warnings, [
      "warn: Forwarding makes no use of K6_KEEP_TAGS, K6_PROMETHEUS_RW_TESTID, " +
      "K6_PROMETHEUS_RW_RELABEL_CONFIG_FILE.",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("what makes no web-standard request is answered, too", async () => {
  const running = startCli(["receive", "--port", "0"]);
  const { port, hostname } = new URL(await urlOf(running));
  for (const head of ["TRACE / HTTP/1.1\r\nHost: a", "POST / HTTP/1.1\r\nHost: a b:c\r\nContent-Length: 0"]) {
    const socket = connect(Number(port), hostname).end(`${head}\r\n\r\n`);
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    // Bun has requests with the method TRACE, and refuses them as it does others.
    assert.match(answer, /^HTTP\/1\.1 40[05] [^]*Cannot (?:read|accept) the request/);
  }
  assert.equal((await end(running)).code, 0);
});

test("what the target refuses makes the exit code 1", async () => {
  const target = await acceptSamples({ status: 400, reason: "not you" });
  try {
    const running = startCli(["receive", "--port", "0", "--forward", target.url, "--protocol", "1.0"]);
    const client = new RemoteWriteClient({ url: await urlOf(running) });
    await client.write([series]);
    const { code, stderr } = await end(running);
    assert.equal(code, 1);
    assert.match(stderr, /1 rejected: status 400: not you/);
  } finally {
    await target.close();
  }
});

test("an option of forwarding without --forward is an error, and so is one that is not of forwarding", async () => {
  const without = await runCli(["receive", "--port", "0", "--user", "ann"]);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /Cannot use --user: nothing is forwarded, expected --forward URL beside it/);
  const foreign = await runCli(["receive", "--forward", "http://a.test/", "--trend-stats", "max"]);
  assert.equal(foreign.code, 2);
  assert.match(foreign.stderr, /there is no flag --trend-stats/);
});

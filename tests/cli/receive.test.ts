import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { type CliResult, type RunningCli, startCli, usageErrorOf } from "../support/cli.ts";
import { startReceiver, withReceiver } from "../support/receiver_server.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { withFolder } from "../support/temporary_folder.ts";

const series = {
  labels: [{ name: "__name__", value: "requests_total" }, { name: "code", value: "200" }],
  samples: [{ value: 5, timestamp: 2000, startTimestamp: 1000 }],
  exemplars: [{ labels: [{ name: "trace_id", value: "t" }], value: 1, timestamp: 1999 }],
  metadata: { type: "counter", help: "Requests." },
} as const;

/** Resolves with the URL on which the command listens. */
async function urlOf(running: RunningCli): Promise<string> {
  return /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
}

async function end(running: RunningCli): Promise<CliResult> {
  running.signal("SIGTERM");
  return await running.ended;
}

test("receive --json prints samples, exemplars and, once, metadata, in 1.0 and in 2.0", async () => {
  const running = startCli(["receive", "--port", "0", "--json", "--strict"]);
  const url = await urlOf(running);
  for (const protocol of ["1.0", "2.0"] as const) {
    const client = new RemoteWriteClient({ url, protocol });
    const labels = [{ name: "__name__", value: `requests_total_${protocol.at(0)}` }];
    await client.write([{ ...series, labels }]);
    await client.write([{ ...series, labels, samples: [{ value: 6, timestamp: 3000 }], exemplars: [] }]);
  }
  const { code, stdout } = await end(running);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const expected = (
    name: string,
    start: { startTimestamp?: number },
  ): Record<"metadata" | "first" | "rest", object[]> => ({
    metadata: [{ family: name, metadata: { type: "counter", help: "Requests." } }],
    first: [
      { labels: { __name__: name }, timestamp: 2000, ...start, value: 5 },
      { labels: { __name__: name }, exemplar: { labels: { trace_id: "t" }, value: 1, timestamp: 1999 } },
    ],
    rest: [{ labels: { __name__: name }, timestamp: 3000, value: 6 }],
  });
  const [v1, v2] = [expected("requests_total_1", {}), expected("requests_total_2", { startTimestamp: 1000 })];
  // In 1.0, metadata is a request of its own, after the samples.
  assert.deepEqual(lines, [...v1.first, ...v1.metadata, ...v1.rest, ...v2.metadata, ...v2.first, ...v2.rest]);
});

test("receive --strict names the violated rule and the series (on one runtime)", async () => {
  const running = startCli(["receive", "--port", "0", "--strict"]);
  const client = new RemoteWriteClient({ url: await urlOf(running), onWarning: () => {} });
  await client.write([series]);
  // An equal value at the same time would be no violation, because it changes nothing.
  const later = { ...series, samples: [{ value: 6, timestamp: 1999 }], exemplars: [] };
  await assert.rejects(client.write([later]), { name: "DeliveryError" });
  const { stderr } = await end(running);
  assert.match(
    stderr,
    /^warn: requestOrder: a sample is at 1999, expected one after 2000 of an earlier request \(requests_total\{code="200"\}\)$/m,
  );
});

test("receive --forward forwards with the target's credentials, and sends the rest of its queue at the end", async () => {
  const target = await startReceiver();
  try {
    const running = startCli(["receive", "--port", "0", "--forward", target.url, "--forward-user", "ann", "--cors"], {
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

test("unused variables and options of sending are named in a warning; other options in a configuration file are an error", () =>
  withFolder(async (folder) => {
    const config = join(folder, "rw.json");
    writeFileSync(config, '{"timeout": "5s", "labels": {"site": "eu"}}');
    const args = ["receive", "--port", "0", "--forward", "http://127.0.0.1:9/", "--config", config];
    assert.match(
      await usageErrorOf(args),
      /^Cannot use labels in .*rw\.json: forwarding does not change series, expected/,
    );
    writeFileSync(config, '{"timeout": "5s", "pushInterval": "5s"}');
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
    assert.equal(warnings.length, 1, stderr);
    const [, names = ""] = /^warn: Forwarding .*? (K6_.*|pushInterval .*)\.$/.exec(warnings[0] ?? "") ?? [];
    assert.deepEqual(names.split(", ").sort(), [
      ...["K6_KEEP_TAGS", "K6_PROMETHEUS_RW_RELABEL_CONFIG_FILE", "K6_PROMETHEUS_RW_TESTID"],
      `pushInterval in ${config}`,
    ]);
  }));

test("a request that cannot be a web-standard Request gets a response, too", async () => {
  const running = startCli(["receive", "--port", "0"]);
  const { port, hostname } = new URL(await urlOf(running));
  for (const head of ["TRACE / HTTP/1.1\r\nHost: a", "POST / HTTP/1.1\r\nHost: a b:c\r\nContent-Length: 0"]) {
    const socket = connect(Number(port), hostname).end(`${head}\r\n\r\n`);
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    // On Bun, a Request can have the method TRACE; the receiver rejects its host.
    assert.match(answer, /^HTTP\/1\.1 40[035] [^]*Cannot (?:read|accept) the request/);
  }
  assert.equal((await end(running)).code, 0);
});

test("if the target rejects samples, the exit code is 1 (on one runtime)", () =>
  withReceiver(async (target) => {
    const running = startCli(["receive", "--port", "0", "--forward", target.url, "--protocol", "1.0"]);
    const client = new RemoteWriteClient({ url: await urlOf(running) });
    await client.write([series]);
    const { code, stderr } = await end(running);
    assert.equal(code, 1);
    assert.match(stderr, /1 rejected: status 400: not you/);
  }, { script: refusing(400, "not you") }));

test("with --on-loss warn, the exit code is 0 although the target rejects samples; k6's names are no obstacle (on one runtime)", () =>
  withReceiver(async (target) => {
    const running = startCli(["receive", "--port", "0", "--forward", target.url, "--protocol", "1.0"], {
      env: { K6_PROMETHEUS_RW_ON_LOSS: "warn" },
    });
    const client = new RemoteWriteClient({ url: await urlOf(running) });
    await client.write([series]);
    const { code, stderr } = await end(running);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /1 rejected: status 400: not you/);
  }, { script: refusing(400, "not you") }));

test("a port that is in use, options of forwarding without --forward, and options of k6 are errors", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.match(
    await usageErrorOf(["receive", "--port", String(port)]).finally(() => server.close()),
    /^Cannot listen on 127\.0\.0\.1:\d+: .*; --host and --port choose another address$/,
  );
  assert.match(
    await usageErrorOf(["receive", "--port", "0", "--forward", "http://a.test/ http://b.test/"]),
    /Cannot read --forward: it is not a URL that begins with http/,
  );
  assert.match(
    await usageErrorOf(["receive", "--port", "0", "--forward-user", "ann"]),
    /^Cannot use --forward-user: nothing is forwarded, expected also --forward URL$/,
  );
  assert.match(
    await usageErrorOf(["receive", "--forward", "http://a.test/", "--trend-stats", "max"]),
    /^Cannot use --trend-stats: receive shows and forwards series as they are, expected it with send or run$/,
  );
  assert.match(
    await usageErrorOf(["receive", "--label", "site=eu"]),
    /^Cannot use --label: receive shows and forwards/,
  );
  assert.match(await usageErrorOf(["receive", "--no-keep-tags"]), /^Cannot use --keep-tags: /);
  assert.match(await usageErrorOf(["receive", "--labl", "site=eu"]), /there is no flag --labl; see --help/);
});

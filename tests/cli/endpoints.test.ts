// Runs on one runtime: what each endpoint gets depends on the options only, and other tests of the command send on each runtime.
/** Several endpoints, as flags, a variable and a configuration file give them. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { optionsFromConfig, optionsFromEnv } from "../../mod.ts";
import { Checkpoint } from "../../src/cli/checkpoint.ts";
import { readOutputOptions } from "../../src/cli/output_options.ts";
import { point, runCli, usageErrorOf } from "../support/cli.ts";
import { lastValues, type ReceiverServer, startReceiver } from "../support/receiver_server.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Calls back with two receivers, and closes them. */
async function withTwo(use: (a: ReceiverServer, b: ReceiverServer) => Promise<void>): Promise<void> {
  const [a, b] = await Promise.all([startReceiver(), startReceiver()]);
  await use(a, b).finally(() => Promise.all([a.close(), b.close()]));
}

for (const source of ["repeated flag", "variable"]) {
  test(`a recording goes to all endpoints of a ${source}; the summary shows each`, () =>
    withTwo(async (a, b) => {
      const [args, env] = source === "variable"
        ? [[], { K6_PROMETHEUS_REMOTE_URL: `${a.url}  ${b.url}` }]
        : [["--url", a.url, "--url", b.url], {}];
      const { code, stderr } = await runCli([recordingPaths.basic, ...args], { env });
      assert.equal(code, 0, stderr);
      const values = lastValues(a.writes);
      assert.ok(values.size > 300);
      assert.deepEqual(values, lastValues(b.writes));
      for (const { url } of [a, b]) assert.ok(stderr.includes(`        to  ${url}\n`), stderr);
      assert.equal([...stderr.matchAll(/delivered {2}([\d,]+) of \1 samples/g)].length, 2, stderr);
    }));
}

test("endpoints of a configuration file have their own credentials, labels, relabelling and policy", () =>
  withFolder((folder) =>
    withTwo(async (a, b) => {
      const file = (name: string, content: unknown): string => {
        writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
        return join(folder, name);
      };
      const config = file("rw.json", {
        pushInterval: "1s",
        endpoints: [
          { name: "a", url: a.url, username: "ann", password: "pa", labels: { site: "eu" } },
          {
            name: "b",
            url: b.url,
            bearerTokenFile: file("token", "tb\n"),
            headers: { "X-Scope": "b" },
            relabelConfigs: [{ action: "labeldrop", regex: "tag" }],
          },
        ],
      });
      const input = point(1).replace('"tags":{}', '"tags":{"tag":"x"}');
      const summary = join(folder, "summary.json");
      const args = ["--config", config, "--replay", "--summary-json", summary];
      const { code, stderr } = await runCli(args, { input });
      assert.equal(code, 0, stderr);
      assert.deepEqual([...lastValues(a.writes).keys()], ['k6_vus{site="eu",tag="x"}']);
      assert.deepEqual([...lastValues(b.writes).keys()], ["k6_vus{}"]);
      const header = ({ requests }: ReceiverServer, name: string): string | null | undefined =>
        requests[0]?.headers.get(name);
      assert.deepEqual([header(a, "authorization"), header(a, "x-scope")], [`Basic ${btoa("ann:pa")}`, undefined]);
      assert.deepEqual([header(b, "authorization"), header(b, "x-scope")], ["Bearer tb", "b"]);
      const { report } = JSON.parse(readFileSync(summary, "utf8"));
      assert.deepEqual(
        report.endpoints.map(({ name, delivered }: { name: string; delivered: number }) => [name, delivered]),
        [
          ["a", 1],
          ["b", 1],
        ],
      );
    })
  ));

for (const [onLoss, expected] of [["fail", 1], ["warn", 0]] as const) {
  test(`with on-loss ${onLoss} at the endpoint that refuses, the exit code is ${expected}, and the other one gets everything`, () =>
    withFolder(async (folder) => {
      const [good, bad] = await Promise.all([startReceiver(), startReceiver({ script: refusing(403, "no") })]);
      const config = join(folder, "rw.json");
      writeFileSync(
        config,
        JSON.stringify({ endpoints: [{ url: good.url }, { name: "backup", url: bad.url, onLoss }] }),
      );
      const { code, stderr } = await runCli(["--config", config, recordingPaths.basic])
        .finally(() => Promise.all([good.close(), bad.close()]));
      assert.equal(code, expected, stderr);
      assert.match(stderr, /of [\d,]+ samples not delivered to backup$/m);
      assert.match(stderr, new RegExp(`^${onLoss === "fail" ? "error" : "warn"}: Not everything was sent`, "m"));
      assert.match(stderr, /warn: backup: The endpoint refuses all requests \(status 403: no\)/);
      assert.match(stderr, /delivered {2}([\d,]+) of \1 samples$/m);
    }));
}

const config = (endpoints: unknown): string => JSON.stringify({ endpoints });
const wrong: readonly (readonly [unknown, RegExp])[] = [
  [{}, /Cannot read endpoints in rw\.json: it is not a list such as \[\{"url": "\.\.\."\}\]$/],
  [["http://a/"], /Cannot read endpoints\[0\] in rw\.json: it is not an object such as \{"url": "\.\.\."\}$/],
  [[{ user: "a" }], /Cannot read url in endpoints\[0\] in rw\.json: it is not one URL$/],
  [[{ url: "http://a/ http://b/" }], /Cannot read url in endpoints\[0\] in rw\.json: it is not one URL$/],
  [
    [{ url: "http://a/", ulr: "b" }],
    /Cannot read endpoints\[0\] in rw\.json: there is no option "ulr", expected perhaps "url"$/,
  ],
  [
    [{ url: "http://a/", shards: 2 }],
    /Cannot use shards in endpoints\[0\] in rw\.json: it is not an option of one endpoint/,
  ],
  [[{ url: "http://a/", name: 1 }], /Cannot read name in endpoints\[0\] in rw\.json: it is not a string$/],
];
for (const [endpoints, message] of wrong) {
  test(`the endpoints ${JSON.stringify(endpoints)} of a file are an error`, () =>
    assert.throws(() => optionsFromConfig(config(endpoints), "rw.json"), message));
}

test("an error about one endpoint of a file names it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "rw.json");
    const url = "http://127.0.0.1:1/";
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ user: "a", bearerToken: "t" }, /contain user and bearerToken, expected only one of them \(endpoints\[1\]\)$/],
      [{ bearerTokenFile: join(folder, "none") }, /it does not exist.* \(endpoints\[1\]\)$/],
      [{ credentialsCommand: "exit 3" }, /ended with 3, expected 0\..* \(endpoints\[1\]\)$/],
    ];
    for (const [endpoint, message] of cases) {
      writeFileSync(path, config([{ url }, { url, ...endpoint }]));
      assert.match(await usageErrorOf(["--config", path, "-"]), message);
    }
  }));

test("a URL beside the endpoints of a file is an error, and so is a spool for several endpoints", () =>
  withFolder(async (folder) => {
    const path = join(folder, "rw.json");
    writeFileSync(path, config([{ url: "http://127.0.0.1:1/" }]));
    assert.match(
      await usageErrorOf(["--config", path, "--url", "http://127.0.0.1:2/", "-"]),
      /endpoints: there is url too/,
    );
    assert.match(
      await usageErrorOf(["--url", "http://127.0.0.1:1/", "--url", "http://127.0.0.1:2/", "--spool", folder, "-"]),
      /Cannot use --spool: it keeps samples for one endpoint, and there are several$/,
    );
    assert.match(
      await usageErrorOf(["verdict", "--testid", "a", "--url", "http://127.0.0.1:1/", "--url", "http://127.0.0.1:2/"]),
      /Cannot judge a run: the options contain a list of 2 endpoints, expected one URL: as --url, /,
    );
  }));

test("a dry run says that it leaves out what only some endpoints get", () =>
  withFolder(async (folder) => {
    const path = join(folder, "rw.json");
    const run = async (endpoint: object): Promise<string> => {
      writeFileSync(path, config([{ url: "http://127.0.0.1:1/" }, { url: "http://127.0.0.1:2/", ...endpoint }]));
      return (await runCli(["--config", path, "--dry-run"], { input: point(1) })).stderr;
    };
    const notice = /warn: The dry run leaves out the labels and the relabelling that endpoints have of their own\./;
    assert.match(await run({ labels: { site: "eu" } }), notice);
    assert.match(await run({ relabelConfigs: [{ action: "labeldrop", regex: "a" }] }), notice);
    assert.doesNotMatch(await run({}), notice);
  }));

test("a checkpoint is not continued with other labels of an endpoint", () =>
  withFolder(async (folder) => {
    const [path, input, state] = ["rw.json", "run.json", "state"].map((name) => join(folder, name));
    assert.ok(path !== undefined && input !== undefined && state !== undefined);
    writeFileSync(input, point(1));
    const open = (site: string): Promise<Checkpoint> => {
      writeFileSync(path, config([{ url: "http://127.0.0.1:1/", password: "s3cret", user: "a", labels: { site } }]));
      const given = { values: new Map([["config", path]]), operands: [] };
      const { raw } = readOutputOptions(given, { env: {}, warn: () => {} });
      return Checkpoint.open(state, { files: [input], raw, shiftToNow: false, metrics: [] });
    };
    await open("eu").then((checkpoint) => checkpoint.begin(0).then(() => checkpoint.close()));
    assert.ok(!readFileSync(state, "utf8").includes("s3cret"));
    await assert.rejects(open("us"), /Cannot continue from ".*": endpoints is .*us.*, expected .*eu/);
  }));

test("in a program, the variables give endpoints that share the credentials", () => {
  const { options } = optionsFromEnv({
    K6_PROMETHEUS_REMOTE_URL: "http://a/ http://b/",
    K6_PROMETHEUS_USER: "ann",
    K6_PROMETHEUS_PASSWORD: "pa",
  });
  assert.equal(options.url, undefined);
  assert.deepEqual(options.endpoints, ["http://a/", "http://b/"].map((url) => ({ url, user: "ann", password: "pa" })));
});

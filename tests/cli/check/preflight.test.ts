/**
 * The line of `send` and `run` that says where results go, and `--require-endpoint`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { preflight } from "../../../src/cli/check/preflight.ts";
import { readOutputOptions } from "../../../src/cli/output_options.ts";
import { point, runCli } from "../../support/cli.ts";
import { startFakePrometheus } from "../../support/fake_prometheus.ts";
import { closedPort } from "../../support/http_target.ts";
import { onlyV1, prometheus } from "../../support/scripted_receiver.ts";

/** Returns what is said, and whether the command goes on. */
async function preflightOf(
  values: Readonly<Record<string, unknown>>,
  required: boolean,
): Promise<{ readonly said: readonly string[]; readonly goesOn: boolean }> {
  const options = readOutputOptions({ values: new Map(Object.entries(values)), operands: [] }, {
    warn: () => {},
    env: {},
  });
  const said: string[] = [];
  const log = {
    say: (level: string, text: string | readonly string[]) => void said.push(`${level}: ${[text].flat().join("\n")}`),
  };
  return { said, goesOn: await preflight(options, { required, log, env: {} }) };
}

test("by default, one line says where results go, and no request is sent", async () => {
  const { url, requests, close } = await startFakePrometheus({ behaviour: prometheus });
  try {
    const lines: readonly (readonly [Record<string, unknown>, string])[] = [
      [{}, "(remote write 2.0 or 1.0)"],
      [{ user: "ann", password: "hunter2" }, "(remote write 2.0 or 1.0, basic auth)"],
      [{ "bearer-token": "hunter2", protocol: "1.0" }, "(remote write 1.0, bearer token)"],
      [{ header: { Authorization: "hunter2" }, protocol: "2.0" }, "(remote write 2.0, header Authorization)"],
    ];
    for (const [values, facts] of lines) {
      const { said, goesOn } = await preflightOf({ url, ...values }, false);
      assert.deepEqual([said, goesOn], [[`info: -> ${url} ${facts}`], true]);
    }
    assert.equal(requests.length, 0);
  } finally {
    await close();
  }
});

test("an endpoint that is not reachable is said in the same line, and the command goes on", async () => {
  const port = await closedPort();
  const { said, goesOn } = await preflightOf({ url: `http://127.0.0.1:${port}/w` }, false);
  const facts = "(remote write 2.0 or 1.0): not reachable at present (the connection was refused).";
  assert.deepEqual([said, goesOn], [[`warn: -> http://127.0.0.1:${port}/w ${facts}`], true]);
});

for (const [behaviour, version] of [[prometheus, "2.0"], [onlyV1, "1.0"]] as const) {
  test(`with --require-endpoint, requests without series show that a receiver knows ${version}`, async () => {
    const { url, requests, receiver, close } = await startFakePrometheus({ behaviour });
    try {
      const { said, goesOn } = await preflightOf({ url }, true);
      assert.deepEqual([said, goesOn], [[`info: -> ${url} (remote write ${version})`], true]);
      assert.equal(requests.length, version === "2.0" ? 1 : 2);
      assert.equal(receiver.count, 0);
    } finally {
      await close();
    }
  });
}

test("with --require-endpoint, send and run end with 2 before they begin if the endpoint would not work (on one runtime)", async () => {
  const { url, requests, close } = await startFakePrometheus({ answer: () => ({ status: 401 }) });
  try {
    const flags = ["--url", url, "--require-endpoint"];
    // Any program stands in for k6, because it must not be started.
    const [send, run] = await Promise.all([
      runCli(["-", ...flags], { input: point(1) }),
      runCli(["run", "script.js", ...flags, "--k6", process.execPath]),
    ]);
    for (const { code, stderr } of [send, run]) {
      assert.equal(code, 2, stderr);
      const words = "credentials: the endpoint requires credentials, and there are none (status 401).";
      assert.match(stderr, /^error: The endpoint http:\S+ would not work: /);
      assert.ok(stderr.includes(`: ${words}\nGive them: --user`), stderr);
      assert.equal(stderr.split("\n").length, 3, stderr);
    }
    assert.ok(requests.every(({ bodyBytes }) => bodyBytes < 10));
  } finally {
    await close();
  }
});

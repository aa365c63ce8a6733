/** Tests with the real k6, whose path is in K6_BIN. The other tests use a stand-in that behaves as the real one was observed to. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { writeFileSync } from "node:fs";
import { type CliResult, startCli } from "../support/cli.ts";
import { type ReceiverServer, withReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { lastLine } from "../support/with_k6.ts";

const { K6_BIN = "" } = process.env;
const real = { skip: K6_BIN === "" && "K6_BIN does not name the real k6" };

/** A test of 2 seconds whose results are more than a pipe holds. Its teardown and its summary print the number of iterations. */
const script = `import { Counter } from "k6/metrics";
import { sleep } from "k6";
const things = new Counter("things");
export const options = { vus: 2, duration: "2s", thresholds: { things: ["count<1"] } };
export function teardown() { console.log("the teardown"); }
export default function () {
  for (let thing = 0; thing < 50; thing++) things.add(1, { thing: String(thing % 10), text: "é".repeat(60) });
  sleep(0.001);
}
`;

interface Scene extends ReceiverServer {
  readonly script: string;
  readonly env: Record<string, string>;
}

function withScript(use: (scene: Scene) => Promise<void>): Promise<void> {
  return withReceiver((receiver) =>
    withFolder(async (folder) => {
      const path = join(folder, "script.js");
      writeFileSync(path, script);
      const env = { K6_BIN, K6_PROMETHEUS_REMOTE_URL: receiver.url, TMPDIR: folder };
      await use({ ...receiver, script: path, env });
    })
  );
}

/** Checks that the counter that arrived is the one of k6's summary. */
function checkTotals({ samples }: ReceiverServer, output: string): void {
  const last = new Map(
    samples.filter(({ name }) => name === "k6_things_total").map(({ labels, value }) => [labels.thing, value]),
  );
  const total = [...last.values()].reduce((sum, value) => sum + value, 0);
  assert.equal(total, Number(/things\.+: (\d+)/.exec(output)?.[1]), output);
}

test(
  "real k6: run delivers what the summary counts, and ends with k6's own code",
  real,
  () =>
    withScript(async (scene) => {
      const result = await startCli(["run", scene.script], { env: scene.env, detached: true }).ended;
      assert.equal(result.code, 99, result.stderr);
      assert.match(lastLine(result), /thresholds failed\); delivered all/);
      checkTotals(scene, result.stdout);
    }),
);

test("real k6: a pipe loses nothing, and pipefail shows k6's own code", real, () =>
  withScript(async (scene) => {
    const sending = startCli(["-"], { env: scene.env, keepOpen: true });
    const k6 = spawn(K6_BIN, ["run", "-o", "json=-", "--log-output=stdout", scene.script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { stdin } = sending.child;
    assert.ok(stdin !== null);
    k6.stdout.pipe(stdin);
    assert.equal(await new Promise((resolve) => k6.on("exit", resolve)), 99);
    const { code, stdout, stderr } = await sending.ended;
    assert.equal(code, 0, stderr);
    checkTotals(scene, stdout);
    assert.match(stdout, /^time="[^"]+" level=info msg="the teardown" source=console$/m);
    assert.match(stdout, /^\nrunning \(0\d\.\ds\), .*\ndefault +\[.*\n/m);
    assert.doesNotMatch(stdout, /"metric"/);
  }));

test("real k6: if the command is killed, k6 ends within a second of its test", real, () =>
  withScript(async (scene) => {
    const running = startCli(["run", scene.script], { env: scene.env, detached: true });
    await running.printed("running (0");
    const printed = running.printed("the teardown");
    running.child.kill("SIGKILL");
    await printed;
    const started = performance.now();
    const { stdout } = await running.ended;
    assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`);
    assert.match(stdout, /things\.+: \d+/);
  }));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  for (const target of ["group", "command"]) {
    test(`real k6: ${signal} to the ${target} stops k6 gracefully`, real, () =>
      withScript(async (scene) => {
        const running = startCli(["run", scene.script], { env: scene.env, detached: true });
        await running.printed("running (0");
        const { pid = NaN } = running.child;
        process.kill(target === "group" ? -pid : pid, signal);
        const result: CliResult = await running.ended;
        assert.equal(result.code, 105, result.stderr);
        assert.match(result.stderr, /the teardown/);
        checkTotals(scene, result.stdout);
      }));
  }
}

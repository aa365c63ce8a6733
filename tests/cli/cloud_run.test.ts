import assert from "node:assert/strict";
import { test } from "node:test";
import { readLocalRun } from "../../src/cli/cloud_run.ts";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { runCli, usageErrorOf } from "../support/cli.ts";
import { withK6 } from "../support/with_k6.ts";

const silent = "--no-archive-upload --no-cloud-logs --no-cloud-secrets";

const shapes: readonly (readonly [line: string, args: string | undefined])[] = [
  ["--vus 2 s.js", undefined],
  ["s.js cloud run", undefined],
  [`cloud run --local-execution ${silent} s.js`, "s.js"],
  [`--quiet cloud run --local-execution=true --vus 2 ${silent} s.js --tag a=b`, "--quiet --vus 2 s.js --tag a=b"],
];
for (const [line, args] of shapes) {
  test(`k6 ${line} runs as k6 run ${args ?? line}${args === undefined ? "" : " --out cloud"}`, () =>
    assert.deepEqual(readLocalRun(line.split(" ")), {
      args: (args ?? line).split(" "),
      isCloud: args !== undefined,
    }));
}

test("what k6 cloud run does and k6 run does not is said, with the flags that hide the warning", () => {
  const { notice } = readLocalRun(["cloud", "run", "--local-execution", "--no-cloud-logs", "s.js"]);
  assert.match(
    notice ?? "",
    /It uploads no archive, reads no secrets from the cloud\. .* --no-archive-upload --no-cloud-secrets\.$/,
  );
});

test("k6 cloud run without --local-execution, and other commands of k6 cloud, are errors that say why", async () => {
  for (const args of [["cloud", "run", "s.js"], ["run", "cloud", "run", "--local-execution=false", "s.js"]]) {
    assert.match(
      await usageErrorOf(args),
      /would run in Grafana's cloud, where its results cannot be read, expected --local-execution$/,
    );
  }
  assert.match(await usageErrorOf(["cloud", "login"]), /makes no results on this machine, expected cloud run --local/);
});

test("the command line of k6 cloud run is that of the command run", () => {
  const { command, given } = readCommandLine(["cloud", "run", "--local-execution", "--testid", "a", "s.js"]);
  assert.equal(command?.name, "run");
  assert.deepEqual(given?.operands, ["cloud", "run", "--local-execution", "s.js"]);
});

test("in cloud run --local-execution, k6 writes JSON and sends to the cloud; the results arrive (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    const result = await runCli(
      ["cloud", "run", "--local-execution", "script.js"],
      options({}, { K6_CLOUD_TOKEN: "t" }),
    );
    assert.equal(result.code, 0, result.stderr);
    const { args, variables } = k6.report();
    assert.deepEqual([args[0], args[1], ...args.slice(3)], ["run", "--out", "--out", "cloud", "script.js"]);
    assert.deepEqual(variables, ["K6_CLOUD_TOKEN"]);
    assert.ok(receiver.samples.length > 0);
    assert.match(
      result.stderr,
      /^warn: k6 cloud run has only the cloud as its output, so k6 runs as k6 run --out cloud\./m,
    );
  }));

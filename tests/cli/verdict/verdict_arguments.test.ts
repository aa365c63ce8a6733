import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/arguments.ts";
import { formatCommandHelp } from "../../../src/cli/help.ts";
import { verdict } from "../../../src/cli/verdict/verdict.ts";
import {
  endpointArguments,
  readVerdictArguments,
  type VerdictArguments,
} from "../../../src/cli/verdict/verdict_arguments.ts";
import { usageErrorOf } from "../../support/cli.ts";
import { withFolder } from "../../support/temporary_folder.ts";

function read(...args: readonly string[]): VerdictArguments {
  return readVerdictArguments(parseArguments(args, [...verdict.flags, ...verdict.options]));
}

test("thresholds are JSON, a file of JSON, or a k6 configuration file", async () => {
  const groups = { "http_req_duration{status:200}": ["p(95)<500", { threshold: "avg<100", abortOnFail: true }] };
  const texts = ({ thresholds }: VerdictArguments): unknown =>
    thresholds?.map(({ selector, expressions }) => [selector.text, expressions.map(({ text }) => text)]);
  const expected = [["http_req_duration{status:200}", ["p(95)<500", "avg<100"]]];
  assert.deepEqual(texts(read("--thresholds", JSON.stringify(groups))), expected);
  await withFolder((folder) => {
    const path = join(folder, "thresholds.json");
    for (const content of [groups, { vus: 3, thresholds: groups }]) {
      writeFileSync(path, JSON.stringify(content));
      assert.deepEqual(texts(read("--thresholds", path)), expected);
    }
    return Promise.resolve();
  });
  assert.equal(read().thresholds, undefined);
});

test("gates and reports may be repeated, and times have two forms", () => {
  const { gates, reports, startMs, endMs } = read(
    ...["--against", "b", "--fail-if", "checks rate < -1%", "--fail-if=http_reqs count < -5%"],
    ...["--report", "a.md", "--report", "b.xml", "--start", "2026-11-22T12:19:49+01:00", "--end", "1795346390.5"],
  );
  assert.deepEqual(gates.map(({ text }) => text), ["checks rate < -1%", "http_reqs count < -5%"]);
  assert.deepEqual(Object.keys(reports), ["a.md", "b.xml"]);
  assert.deepEqual([startMs, endMs], [Date.UTC(2026, 10, 22, 11, 19, 49), 1_795_346_390_500]);
});

test("the endpoint's options do not contain the command's own flags, and --query-url is the URL", () => {
  const args = ["--testid", "a", "--timeout", "1m", "--expect", "2", "--user", "u", "--query-url", "https://q/api"];
  const given = parseArguments(args, [...verdict.flags, ...verdict.options]);
  assert.deepEqual([...endpointArguments(given).values], [["user", "u"], ["url", "https://q/api"]]);
});

const mistakes = [
  [["--url", "http://h/api/v1/write"], /there is no testid, expected --testid ID/],
  [
    ["--testid", "a", "--url", "http://h/receive"],
    /Cannot find the query API of http:\/\/h\/receive: .* --query-url URL/,
  ],
  [["--testid", "a", "--thresholds", "{"], /Cannot read --thresholds: it is "\{", expected a JSON object such as/],
  [["--testid", "a", "--thresholds", '{"a":["p(95)"]}'], /Cannot read a threshold: it is "p\(95\)"/],
  [["--testid", "a", "--thresholds", "missing.json"], /the file "missing\.json" cannot be used \(it does not exist\)/],
  [["--testid", "a", "--fail-if", "checks rate < -1%"], /Cannot use --fail-if: there is no --against/],
  [["--testid", "a", "--timeout", "1m"], /Cannot use --timeout: there is no --expect/],
  [["--testid", "a", "--expect", "0"], /Cannot read --expect: it is "0", expected a whole number from 1/],
  [["--testid", "a", "--start", "yesterday"], /Cannot read --start: it is "yesterday", expected a time such as/],
  [["--testid", "a", "--instance-label", "a-b"], /Cannot read --instance-label: it is "a-b"/],
  [["--testid", "a", "--spool", "x"], /there is no flag --spool/],
  [["--testid", "a", "--user", "u", "--bearer-token", "t"], /options contain user and bearerToken/],
  [["--testid", "a", "b"], /verdict takes no argument "b"/],
  [
    ["--testid", "a", "--start", "2026-11-22T12:00:00Z", "--end", "2026-11-22T11:00:00Z"],
    /--end: it is not after --start/,
  ],
] as const;
for (const [args, message] of mistakes) {
  test(`verdict ${args.join(" ")} is a usage error`, async () => {
    assert.match(await usageErrorOf(["verdict", ...args]), message);
  });
}

test("the help has the options of the endpoint, and none that only concern sending", () => {
  const help = formatCommandHelp(verdict, { width: 80, all: true });
  for (
    const flag of ["url", "user", "bearer-token-file", "sigv4-region", "header", "ca-cert-file", "prefix", "config"]
  ) {
    assert.match(help, new RegExp(`\\n {2}--${flag}\\b`));
  }
  for (const flag of ["max-samples-per-send", "trend-as", "on-loss", "retry-deadline", "protocol"]) {
    assert.doesNotMatch(help, new RegExp(`\\n {2}--${flag}\\b`));
  }
  assert.equal(help.match(/\n {2}--timeout\b/g)?.length, 1);
});

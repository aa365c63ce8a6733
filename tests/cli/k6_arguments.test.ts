import assert from "node:assert/strict";
import { test } from "node:test";
import { k6Flags, parseRunArguments, replaceOutputs } from "../../src/cli/k6_arguments.ts";
import { flagsOfK6 } from "../../src/cli/misspelt_flag.ts";
import { run } from "../../src/cli/run.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

const flags = [...run.flags, ...run.options];

test("run takes no flag of k6 for itself, except --help", () => {
  const own = flags.flatMap(({ flag, placeholder }) => placeholder === undefined ? [flag, `no-${flag}`] : [flag]);
  const taken = own.filter((flag) => flagsOfK6.includes(flag) && !k6Flags.includes(flag));
  assert.deepEqual(taken, ["help"]);
  assert.deepEqual(k6Flags.filter((flag) => !flagsOfK6.includes(flag)), []);
});

const shapes: readonly (readonly [string, Record<string, unknown>, string[]])[] = [
  ["script.js", {}, ["script.js"]],
  ["--vus 10 --url http://a/ -d 30s script.js", { url: "http://a/" }, ["--vus", "10", "-d", "30s", "script.js"]],
  ["script.js --url=http://a/ --k6 /k6", { url: "http://a/", k6: "/k6" }, ["script.js"]],
  ["--stale-markers --no-keep-tags script.js", { "stale-markers": true, "keep-tags": false }, ["script.js"]],
  ["-q --quiet --no-thresholds --insecure-skip-tls-verify -c f --config f -e URL=x s.js", {}, [
    ..."-q --quiet --no-thresholds --insecure-skip-tls-verify -c f --config f -e URL=x s.js".split(" "),
  ]],
  ["--url http://a/ -- --url b -- s.js", { url: "http://a/" }, ["--url", "b", "--", "s.js"]],
  ["--unknown=1 - ", {}, ["--unknown=1", "-", ""]],
];
for (const [line, values, operands] of shapes) {
  test(`of the arguments "${line}", k6 gets ${JSON.stringify(operands)}`, () => {
    const given = parseRunArguments(line.split(" "), flags);
    assert.deepEqual([Object.fromEntries(given.values), given.operands], [values, operands]);
  });
}

test("a flag without its value is an error, and so is a switch with a separate value", () => {
  assert.throws(
    () => parseRunArguments(["--stale-markers", "false", "script.js"], flags),
    /expected --stale-markers=false/,
  );
  assert.throws(() => parseRunArguments(["script.js", "--url"], flags), ConfigurationError);
});

const outputs: readonly (readonly [string, string, string[], string | undefined])[] = [
  ["s.js", "", ["s.js"], undefined],
  ["-o json=a.json s.js --out csv", "", ["-o", "json=a.json", "s.js", "--out", "csv"], undefined],
  ["-o output-prometheus-remote s.js", "", ["s.js"], undefined],
  ["s.js --out=experimental-prometheus-rw", "", ["s.js"], undefined],
  ["-oxk6-prometheus-rw s.js -o=output-prometheus-remote", "", ["s.js"], undefined],
  ["s.js -o output-prometheus-remote=url=http://a/?b=c,mapping=raw", "", ["s.js"], "url=http://a/?b=c,mapping=raw"],
  ["-o xk6-prometheus-rw=mapping=raw --out=output-prometheus-remote=url=u s.js", "", ["s.js"], "mapping=raw,url=u"],
  ["-o output-prometheus-remote-2 s.js", "", ["-o", "output-prometheus-remote-2", "s.js"], undefined],
  ["s.js -- -o output-prometheus-remote", "", ["s.js", "--", "-o", "output-prometheus-remote"], undefined],
  ["s.js -o", "", ["s.js", "-o"], undefined],
  ["s.js", "json=a,csv", ["--out", "json=a", "--out", "csv", "s.js"], undefined],
  ["s.js", "output-prometheus-remote=url=u", ["s.js"], "url=u"],
  ["-o cloud s.js", "json=a,output-prometheus-remote=url=u", ["-o", "cloud", "s.js"], undefined],
];
for (const [line, fromEnv, args, outputArgument] of outputs) {
  test(`the outputs that run replaces are removed from "${line}" with K6_OUT "${fromEnv}"`, () => {
    const { outputArgument: found, args: left } = replaceOutputs(line.split(" "), fromEnv);
    assert.deepEqual([left, found], [args, outputArgument]);
  });
}

test("k6's present output is distinguished from the extensions, because its defaults are used", () => {
  const isPresent = (line: string, fromEnv?: string): boolean =>
    replaceOutputs(line.split(" "), fromEnv).isPresentOutput;
  assert.equal(isPresent("-o experimental-prometheus-rw=url=u s.js"), true);
  assert.equal(isPresent("s.js", "json=a,experimental-prometheus-rw"), true);
  assert.equal(isPresent("-o xk6-prometheus-rw --out output-prometheus-remote s.js"), false);
});

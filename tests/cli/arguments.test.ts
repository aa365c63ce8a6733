import assert from "node:assert/strict";
import { test } from "node:test";
import { type Flag, parseArguments } from "../../src/cli/arguments.ts";
import { parseSwitch, wholeNumber } from "../../src/cli/flags.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

const flags: readonly Flag[] = [
  { flag: "quiet", help: "", parse: parseSwitch },
  { flag: "port", placeholder: "NUMBER", help: "", parse: wholeNumber(0, 10) },
  { flag: "header", placeholder: "TEXT", help: "", named: true, parse: (text) => ({ [text]: "1" }) },
];

function parse(...args: string[]): unknown[] {
  const { values, operands } = parseArguments(args, flags);
  return [Object.fromEntries(values), operands];
}

const good: readonly [string[], object, string[]][] = [
  [[], {}, []],
  [["a", "-", "b"], {}, ["a", "-", "b"]],
  [["--port", "3", "a"], { port: 3 }, ["a"]],
  [["--port=3"], { port: 3 }, []],
  [["--quiet", "a"], { quiet: true }, ["a"]],
  [["-q"], { quiet: true }, []],
  [["--no-quiet"], { quiet: false }, []],
  [["--quiet=false"], { quiet: false }, []],
  [["--header", "a", "--header=b=c"], { header: { a: "1", "b=c": "1" } }, []],
  [["--", "--port"], {}, ["--port"]],
  [["--port", "1", "--port", "2"], { port: 2 }, []],
];
for (const [args, values, operands] of good) {
  test(`the arguments ${JSON.stringify(args)} are read`, () => assert.deepEqual(parse(...args), [values, operands]));
}

const wrong: readonly [string[], RegExp][] = [
  [["--prot", "3"], /there is no flag --prot; did you mean --port\?/],
  [["--xyzzyx"], /there is no flag --xyzzyx; see --help/],
  [["-x"], /there is no flag -x; see --help/],
  [["--port"], /Cannot read --port: a value is missing, expected NUMBER/],
  [["--port", "11"], /Cannot read --port: it is "11", expected a whole number from 0 to 10/],
  [["--port=x"], /Cannot read --port: it is "x"/],
  [["--quiet=maybe"], /Cannot read --quiet: it is "maybe", expected true or false/],
  [["--quiet", "false"], /Cannot read --quiet: "false" stands apart from it, expected --quiet=false/],
  [["--no-quiet", "true"], /Cannot read --no-quiet: "true" stands apart from it, expected --quiet=true/],
  [["--no-quiet=true"], /Cannot read --no-quiet: it takes no value/],
  [["--no-port"], /there is no flag --no-port/],
];
for (const [args, message] of wrong) {
  test(`the arguments ${JSON.stringify(args)} are an error`, () => {
    assert.throws(() => parse(...args), (error) => error instanceof ConfigurationError && message.test(error.message));
  });
}

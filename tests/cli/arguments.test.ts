import assert from "node:assert/strict";
import { test } from "node:test";
import { firstOperand, type Flag, parseArguments } from "../../src/cli/arguments.ts";
import { parseBoolean, parseNumber } from "../../src/config/option_parsers.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

const flags: readonly Flag[] = [
  { flag: "quiet", help: "", parse: parseBoolean },
  { flag: "port", placeholder: "NUMBER", help: "", parse: parseNumber },
  { flag: "header", placeholder: "TEXT", help: "", named: true, parse: (text) => ({ [text]: "1" }) },
];

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
  test(`the arguments ${JSON.stringify(args)} are read`, () => {
    const given = parseArguments(args, flags);
    assert.deepEqual([Object.fromEntries(given.values), given.operands], [values, operands]);
  });
}

const wrong: readonly [string[], RegExp][] = [
  [["--prot", "3"], /there is no flag --prot; did you mean --port\?/],
  [["--xyzzyx"], /there is no flag --xyzzyx; see --help/],
  [["-x"], /there is no flag -x; see --help/],
  [["--port"], /Cannot read --port: its value is missing, expected NUMBER/],
  [["--port=x"], /Cannot read --port: it is "x", expected a number/],
  [["--quiet=maybe"], /Cannot read --quiet: it is "maybe", expected true or false/],
  [["--quiet", "false"], /Cannot read --quiet: "false" is a separate argument, expected --quiet=false/],
  [["--no-quiet", "true"], /Cannot read --no-quiet: "true" is a separate argument, expected --quiet=true/],
  [["--no-quiet=true"], /Cannot read --no-quiet: it takes no value/],
  [["--no-port"], /there is no flag --no-port/],
];
for (const [args, message] of wrong) {
  test(`the arguments ${JSON.stringify(args)} are an error`, () => {
    assert.throws(
      () => parseArguments(args, flags),
      (error) => error instanceof ConfigurationError && message.test(error.message),
    );
  });
}

const operands: readonly [string[], number | undefined][] = [
  [["a"], 0],
  [["--quiet", "-q", "--no-quiet", "a"], 3],
  [["--port", "1", "--port=2", "a"], 3],
  [["--unknown", "a"], undefined],
  [["--quiet"], undefined],
];
for (const [args, index] of operands) {
  test(`the first operand of ${JSON.stringify(args)} is at ${index}`, () =>
    assert.equal(firstOperand(args, flags), index));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { explainMisspeltFlag } from "../../src/cli/misspelt_flag.ts";
import { run } from "../../src/cli/run.ts";

const flags = [...run.flags, ...run.options];

const cases: readonly (readonly [line: string, explained: string | undefined])[] = [
  ["--vus 3 --tag a=b -e A=b --http-debug=full s.js", undefined],
  ["--trnd-as native s.js", "--trnd-as; did you mean --trend-as?"],
  ["--trnd-as=native s.js", "--trnd-as; did you mean --trend-as?"],
  ["s.js --no-keep-tag", "--no-keep-tag; did you mean --no-keep-tags?"],
  ["--vuss 3 s.js", "--vuss; did you mean --vus?"],
  ["--stage 1s:1 --xyzzyxyzzy s.js", "--xyzzyxyzzy; see --help"],
];
for (const [line, explained] of cases) {
  test(`of k6's arguments "${line}", ${explained ?? "all flags are known"}`, () => {
    const sentence = explained === undefined ? undefined : `Neither k6 nor this command has the flag ${explained}`;
    assert.equal(explainMisspeltFlag(line.split(" "), flags), sentence);
  });
}

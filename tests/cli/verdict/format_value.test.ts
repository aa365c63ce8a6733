import assert from "node:assert/strict";
import { test } from "node:test";
import { formatChange, formatValue, type ValueKind } from "../../../src/cli/verdict/format_value.ts";

/** As k6's summary shows it: https://github.com/grafana/k6/blob/master/internal/js/summary.js */
const shown: readonly (readonly [value: number, kind: ValueKind, text: string])[] = [
  [29_999 / 30_000, "share", "99.99%"],
  [1, "share", "100.00%"],
  [0, "share", "0.00%"],
  [0.246154, "share", "24.61%"],
  // 0.29 * 100 is 28.999999999999996. k6 shows 28.99%.
  [0.29, "share", "29.00%"],
  [0.57, "share", "57.00%"],
  [1 / 3, "share", "33.33%"],
  [35.679, "time", "35.67ms"],
  [999.996, "time", "999.99ms"],
  [1.005, "time", "1ms"],
  [4.35, "time", "4.35ms"],
  [0.99999, "time", "999.99µs"],
  [0.5, "time", "500µs"],
  [59_999, "time", "59.99s"],
  [61_239, "time", "1m1.23s"],
  [0, "time", "0s"],
  [-2.999, "time", "-2.99ms"],
  [1_259_999, "data", "1.25 MB"],
  [999.7, "data", "999.7 B"],
  [999_999, "data", "999.99 kB"],
  [20.8399, "default", "20.83"],
  [0.9996, "default", "0.999"],
  [0.29, "default", "0.29"],
  [0.000012349, "default", "0.0000123"],
  [1e-320, "default", "9.99e-321"],
  [2 ** 53 - 1, "default", "9007199254740991"],
  [Infinity, "default", "Infinity"],
];
for (const [value, kind, text] of shown) {
  test(`${value} (${kind}) is shown as ${text}, so that what misses a bound is not shown as the bound`, () => {
    assert.equal(formatValue(value, kind), text);
  });
}

test("a change is truncated, too", () => {
  assert.deepEqual([0.0999, -0.09999, 0.1237, 0, 0.29, NaN, Infinity, -Infinity].map(formatChange), [
    ...["+9.99 %", "-9.99 %", "+12.3 %", "+0.00 %", "+29.0 %", "", "new", "gone"],
  ]);
});

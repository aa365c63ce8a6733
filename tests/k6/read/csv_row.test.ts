import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCsvRow } from "../../../src/k6/read/csv_row.ts";

/** Rows as Go's encoding/csv 1.26 wrote these fields. */
const rows: readonly (readonly [row: string, fields: readonly string[]])[] = [
  ["a,b\n", ["a", "b"]],
  ["a,b\r\n", ["a", "b"]],
  ["a,b", ["a", "b"]],
  [",,\n", ["", "", ""]],
  ['"say ""hi"", twice",x\n', ['say "hi", twice', "x"]],
  ['"one\ntwo","one\r\ntwo"\n', ["one\ntwo", "one\r\ntwo"]],
  ['" lead",trail \n', [" lead", "trail "]],
  ['"",""""\r\n', ["", '"']],
];
for (const [row, fields] of rows) {
  test(`the row ${JSON.stringify(row)} has the fields that Go wrote`, () => {
    assert.deepEqual(readCsvRow(row, 0), { fields, next: row.length });
  });
}

const wrong: readonly (readonly [row: string, result: "open" | "malformed"])[] = [
  ['a,"b\n', "open"],
  ['"a""\n', "open"],
  ['a"b,c\n', "malformed"],
  ['"a"b,c\n', "malformed"],
];
for (const [row, result] of wrong) {
  test(`the row ${JSON.stringify(row)} is ${result}`, () => assert.equal(readCsvRow(row, 0), result));
}

test("any fields that are written by Go's rules are read again", () => {
  const field = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", " ", "ü") });
  const needsQuotes = (text: string): boolean => /[",\r\n]|^\s/.test(text);
  const written = (text: string): string => needsQuotes(text) ? `"${text.replaceAll('"', '""')}"` : text;
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), (fields) => {
      const row = `${fields.map(written).join(",")}\n`;
      assert.deepEqual(readCsvRow(`before\n${row}after`, 7), { fields, next: 7 + row.length });
    }),
    { seed: 13, numRuns: 500 },
  );
});

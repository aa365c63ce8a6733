import assert from "node:assert/strict";
import { test } from "node:test";
import { SecondParser } from "../../../src/k6/read/rfc3339.ts";

const viewOf = (text: string): DataView => new DataView(new TextEncoder().encode(text).buffer);

test("a second is read, and a change of any of its digits is detected", () => {
  const second = new SecondParser();
  const base = "2026-11-22T11:19:44";
  for (let place = 0; place < base.length; place++) {
    for (const digit of "0123456789x") {
      const text = base.slice(0, place) + digit + base.slice(place + 1);
      const expected = /[0-9]/.test(base[place] ?? "") ? Date.parse(`${text}Z`) : NaN;
      assert.equal(second.read(viewOf(text), 0), !Number.isNaN(expected), text);
      if (!Number.isNaN(expected)) assert.equal(second.ms, expected, text);
      assert.equal(second.read(viewOf(base), 0), true);
      assert.equal(second.ms, Date.parse(`${base}Z`));
    }
  }
});

test("a new parser has no last second that any bytes could match", () => {
  assert.equal(new SecondParser().read(viewOf("\0".repeat(19)), 0), false);
});

test("incomplete seconds and days and hours that do not exist are not read", () => {
  const second = new SecondParser();
  for (const text of ["", "2026-11-22T11:19:4", "2026-02-30T11:19:44", "2026-11-22T24:00:00", "2026-11-22T11:60:00"]) {
    assert.equal(second.read(viewOf(text), 0), false, text);
  }
  assert.equal(second.read(viewOf("  2024-02-29T23:59:59"), 2), true);
  assert.equal(second.ms, Date.parse("2024-02-29T23:59:59Z"));
});

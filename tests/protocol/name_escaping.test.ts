import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeLabels, escapeName } from "../../src/protocol/name_escaping.ts";
import { character } from "../support/arbitrary_requests.ts";
import { slowRuns } from "../support/runs.ts";

/** What Prometheus 3.5.3 answered on /federate, with `escaping=values` and `escaping=underscores` in Accept. */
const names: readonly (readonly [name: string, values: string, underscores: string])[] = [
  ["http.server.duration", "U__http_2e_server_2e_duration", "http_server_duration"],
  ["http_server.duration", "U__http__server_2e_duration", "http_server_duration"],
  ["metric.name/with/slashes", "U__metric_2e_name_2f_with_2f_slashes", "metric_name_with_slashes"],
  ["0.leading", "U___30__2e_leading", "__leading"],
  ["a:b.c", "U__a:b_2e_c", "a:b_c"],
  ["größe_x", "U__gr_f6__df_e__x", "gr__e_x"],
  ["smile 😀", "U__smile_20__1f600_", "smile__"],
  ["日本語", "U___65e5__672c__8a9e_", "___"],
  ["plain_name", "plain_name", "plain_name"],
  ["with:colon", "with:colon", "with:colon"],
  ["U__x", "U__x", "U__x"],
];

test("names are escaped as Prometheus escapes them", () => {
  for (const [name, values, underscores] of names) {
    assert.equal(escapeName(name, "values"), values);
    assert.equal(escapeName(name, "underscores"), underscores);
  }
});

test("labels are escaped and sorted again; a colon is not allowed in their names", () => {
  const labels = ["0digit", "__name__", "a:b", "plain", "service.name"].map((name) => ({ name, value: "x.y" }));
  assert.deepEqual(escapeLabels(labels, "values"), [
    { name: "U___30_digit", value: "x.y" },
    { name: "U__a_3a_b", value: "x.y" },
    { name: "U__service_2e_name", value: "x.y" },
    { name: "__name__", value: "U__x_2e_y" },
    { name: "plain", value: "x.y" },
  ]);
  assert.deepEqual(escapeLabels(labels, "underscores").map(({ name }) => name), [
    "__name__",
    "_digit",
    "a_b",
    "plain",
    "service_name",
  ]);
});

/** Reads an escaped name as Prometheus's UnescapeName does. */
function unescape(name: string): string {
  if (!name.startsWith("U__")) return name;
  return name.slice(3).replace(/__|_([0-9a-f]+)_/g, (_, code) => code ? String.fromCodePoint(parseInt(code, 16)) : "_");
}

test("the form values is valid in 1.0, and the name can be read from it", () => {
  fc.assert(
    fc.property(fc.string({ unit: character, minLength: 1 }).filter((name) => !name.startsWith("U__")), (name) => {
      const escaped = escapeName(name, "values", "label");
      assert.match(escaped, /^[a-zA-Z_][a-zA-Z0-9_]*$/);
      assert.equal(unescape(escaped), name);
    }),
    { numRuns: slowRuns(100) },
  );
});

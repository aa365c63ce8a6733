/** The characters that no string of others may bring to a terminal or a log. */
import assert from "node:assert/strict";

const ranges: readonly (readonly [from: number, to: number, what: string])[] = [
  [0x00, 0x1f, "C0"],
  [0x7f, 0x9f, "DEL and C1"],
  [0x61c, 0x61c, "Arabic letter mark"],
  [0x200e, 0x200f, "directional marks"],
  [0x2028, 0x2029, "line and paragraph separator"],
  [0x202a, 0x202e, "directional embeddings and overrides"],
  [0x2066, 0x2069, "directional isolates"],
];

/** All of them, one by one. */
export const controls: readonly string[] = ranges.flatMap(([from, to]) =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index))
);

/** A string that would set a terminal's title, clear its screen, forge a line, and contains all of them. */
export const hostile: string = `\x1b]0;owned\x07\x1b[2J\x9b2J\r\nFORGED 1 1 1\n${controls.join("x")}`;

/** Fails if an output contains one of them, apart from the ends of lines, or a line that was forged. */
export function assertPrintable(output: string, where: string): void {
  const found = controls.filter((control) => control !== "\n" && output.includes(control));
  assert.deepEqual(
    found.map((control) => control.charCodeAt(0).toString(16)),
    [],
    `${where}: ${JSON.stringify(output)}`,
  );
  assert.doesNotMatch(output, /^FORGED/m, where);
}

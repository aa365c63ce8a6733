import { stripVTControlCharacters } from "node:util";

/** The number that an expression finds last in a runner's output, colours aside; 0 if it finds none. */
export function last(output, expression) {
  const plain = stripVTControlCharacters(output);
  return Number([...plain.matchAll(expression)].at(-1)?.[1] ?? 0);
}

/** The number that an expression finds last in a runner's output, colours aside; 0 if it finds none. */
export function last(output, expression) {
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  return Number([...plain.matchAll(expression)].at(-1)?.[1] ?? 0);
}

import { quote, type Report } from "./violation.ts";

/** Checks the symbols table of a 2.0 request. Each rule is reported once. */
export function checkSymbols(symbols: readonly string[], report: Report): void {
  const [first] = symbols;
  if (first !== "") {
    report("symbolsFirst", `the first symbol is ${first === undefined ? "missing" : quote(first)}, expected ""`);
  }
  const known = new Set(symbols);
  if (known.size < symbols.length) {
    const repeated = symbols.find((text) => !known.delete(text)) ?? "";
    report("symbolsUnique", `the symbol ${quote(repeated)} comes twice, expected once`);
  }
}

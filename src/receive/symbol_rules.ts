import type { SymbolTable } from "../wire/decode.ts";
import { quote, type Report } from "./breach.ts";

/** Checks the symbols table of a 2.0 request. Each clause is reported once. */
export function checkSymbols({ strings, used }: SymbolTable, report: Report): void {
  const [first] = strings;
  if (first !== "") {
    report("symbolsFirst", `the first symbol is ${first === undefined ? "missing" : quote(first)}, expected ""`);
  }
  const known = new Set(strings);
  if (known.size < strings.length) {
    const repeated = strings.find((text) => !known.delete(text)) ?? "";
    report("symbolsUnique", `the symbol ${quote(repeated)} comes twice, expected once`);
  }
  // The first one stands for whatever is left out.
  const unused = used.indexOf(0, 1);
  if (unused > 0) {
    report("symbolsUsed", `symbol ${unused}, ${quote(strings[unused] ?? "")}, is not used, expected only used ones`);
  }
}

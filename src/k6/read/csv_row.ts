/**
 * Reads rows of CSV as Go's encoding/csv writes them: commas, line feeds, and quotes around a field that needs them.
 *
 * @see https://pkg.go.dev/encoding/csv
 * @see https://www.rfc-editor.org/rfc/rfc4180
 * @module
 */

/** A row and where the next one begins. */
interface CsvRow {
  readonly fields: readonly string[];
  /** The position after the row's line end. */
  readonly next: number;
}

/**
 * Reads the row at a position.
 *
 * @returns "open" if the string ends within quotes, "malformed" if a quote is where none can be
 */
export function readCsvRow(text: string, from: number): CsvRow | "open" | "malformed" {
  const fields: string[] = [];
  for (let at = from;; at++) {
    let field: string;
    if (text[at] === '"') {
      const end = endOfQuotes(text, at + 1);
      if (end < 0) return "open";
      field = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
      if (at < text.length && text[at] !== "," && text[at] !== "\n" && text.slice(at, at + 2) !== "\r\n") {
        return "malformed";
      }
    } else {
      const start = at;
      while (at < text.length && text[at] !== "," && text[at] !== "\n") if (text[at++] === '"') return "malformed";
      field = text.slice(start, at);
    }
    if (text[at] === ",") {
      fields.push(field);
      continue;
    }
    if (text[at] === "\r") at++;
    else if (field.endsWith("\r")) field = field.slice(0, -1);
    fields.push(field);
    return { fields, next: Math.min(text.length, at + 1) };
  }
}

/** Returns the position of the quote that ends a field; -1 if there is none. Two quotes are one of the field's characters. */
function endOfQuotes(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return -1;
}

/**
 * Makes strings of others safe for terminals and logs.
 *
 * @module
 */

/**
 * What a terminal obeys, or what changes how the rest of a line looks: the controls C0, DEL and C1, line breaks, and the controls of
 * the direction of writing. (Classes such as \p{Cc} take four times as long.)
 */
// deno-lint-ignore no-control-regex
const controls = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Returns a string of others on one line that a terminal prints and does not obey: each control is replaced by its escape in JSON. A
 * printable string stays as it is, and JSON stays the same JSON.
 */
export function printable(text: string): string {
  return text.replace(controls, (control) => {
    // JSON itself escapes only the controls below the space.
    if (control < " ") return JSON.stringify(control).slice(1, -1);
    return `\\u${(0x10000 + control.charCodeAt(0)).toString(16).slice(1)}`;
  });
}

/** Longer messages only fill a log: a name in a recording may have a megabyte. */
const maxMessageLength = 4000;

/** Returns a message that may quote others as one printable line, shortened to 4000 characters. */
export function printableMessage(message: string): string {
  return cut(printable(message.slice(0, maxMessageLength + 1)), maxMessageLength);
}

/** Does what `printable` does to each line. The line breaks must be those of the caller. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Shortens a string to a number of characters, followed by three dots. */
export function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
}

/** Quotes a string of others for a message, and shortens it to 100 characters. */
export function quote(text: string): string {
  return printable(JSON.stringify(cut(text, 100)));
}

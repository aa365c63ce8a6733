/**
 * Times as Go writes them: up to nine digits of a second, then `Z` or an offset.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 * @module
 */

const form = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Returns milliseconds since the Unix epoch, without fractions; undefined if the string is not a time. */
export function parseRfc3339Ms(time: string): number | undefined {
  const match = form.exec(time);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [offsetHours = 0, offsetMinutes = 0] = match.slice(9, 11).map((digits) => Number(digits ?? 0));
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  // Date.UTC reads the years up to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  // A day that does not exist becomes another one.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offset = (match[8] === "-" ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + ms - offset;
}

/** The length of a time to the second, in bytes: `2026-11-22T11:19:49`. */
const secondLength = 19;

/** Parses times to the second, and remembers the last one: thousands of lines in a row have the same. */
export class SecondParser {
  /** The beginning of the second that was read last, in milliseconds since the Unix epoch. */
  ms = 0;
  // The bytes of that second, four in each word; the last two words share a byte. Their first values differ in that byte, so
  // that they match no second.
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;
  #word4 = 1;

  /** Reads the second at a place. Returns whether there is one. */
  read(view: DataView, at: number): boolean {
    if (at + secondLength > view.byteLength) return false;
    const word0 = view.getInt32(at, true);
    const word1 = view.getInt32(at + 4, true);
    const word2 = view.getInt32(at + 8, true);
    const word3 = view.getInt32(at + 12, true);
    const word4 = view.getInt32(at + 15, true);
    if (
      word4 === this.#word4 && word3 === this.#word3 && word2 === this.#word2 && word1 === this.#word1 &&
      word0 === this.#word0
    ) return true;
    const second = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, secondLength));
    const ms = parseRfc3339Ms(`${second}Z`);
    if (ms === undefined) return false;
    this.ms = ms;
    this.#word0 = word0;
    this.#word1 = word1;
    this.#word2 = word2;
    this.#word3 = word3;
    this.#word4 = word4;
    return true;
  }
}

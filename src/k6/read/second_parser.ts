/**
 * Reads times to the second, `2026-11-22T11:19:49`: thousands of lines in a row have the same.
 *
 * @module
 */
import { utcDayMs } from "./rfc3339.ts";

const length = 19;

/** The second read last. */
export class SecondParser {
  /** When it begins, in milliseconds since the Unix epoch. */
  ms = 0;
  // Its text, four bytes each; the last overlaps. At first the last two differ in the byte that they share: no text is so.
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;
  #word4 = 1;

  /** Reads the second at a place; false if there is none. */
  read(view: DataView, at: number): boolean {
    if (at + length > view.byteLength) return false;
    const word0 = view.getInt32(at, true);
    const word1 = view.getInt32(at + 4, true);
    const word2 = view.getInt32(at + 8, true);
    const word3 = view.getInt32(at + 12, true);
    const word4 = view.getInt32(at + 15, true);
    if (
      word4 === this.#word4 && word3 === this.#word3 && word2 === this.#word2 && word1 === this.#word1 &&
      word0 === this.#word0
    ) return true;
    const ms = parse(view, at);
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

const form = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/;

function parse(view: DataView, at: number): number | undefined {
  const text = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
  const match = form.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const midnight = utcDayMs(year, month, day);
  return midnight === undefined ? undefined : midnight + ((hour * 60 + minute) * 60 + second) * 1000;
}

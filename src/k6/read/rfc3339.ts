/**
 * Times as Go writes them: up to nine digits of a second, `Z` or an offset.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 * @module
 */

const form = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Milliseconds since the Unix epoch, what is finer cut off; undefined if the text is no time. */
export function parseRfc3339Ms(text: string): number | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [offsetHours = 0, offsetMinutes = 0] = match.slice(9, 11).map((digits) => Number(digits ?? 0));
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const midnight = utcDayMs(year, month, day);
  if (midnight === undefined) return undefined;
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offset = (match[8] === "-" ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + ms - offset;
}

/** When a day begins; undefined if there is no such day. */
export function utcDayMs(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  // Date.UTC takes the years up to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}

/**
 * Makes names for runs and senders that have none.
 *
 * @module
 */

/** The sources of a name. */
export interface IdSource {
  /** Returns the time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns a number from 0 to below 1. */
  readonly random: () => number;
}

/** Forty bits: of a thousand runs that begin in the same second, two get the same name once in two million times. */
const idLength = 8;

/** Crockford's base 32, in which no two characters look alike. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Makes a name for a sender, such as `x7kfm2pd`. */
export function randomId({ random }: Pick<IdSource, "random">): string {
  return Array.from({ length: idLength }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
}

/** Makes a name for a run: `20261122-111955-x7kfm2pd`. It begins with the time (UTC), so that a list of runs is in order. */
export function runId({ now, random }: IdSource): string {
  const [date = "", time = ""] = new Date(now()).toISOString().replace(/[-:]/g, "").split(/[T.]/);
  return `${date}-${time}-${randomId({ random })}`;
}

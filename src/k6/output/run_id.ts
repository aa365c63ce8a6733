/**
 * Generates names for runs and senders.
 *
 * @module
 */

/** The clock and the random numbers of which names are made. */
export interface IdSource {
  /** Returns the time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns a number from 0 to below 1. */
  readonly random: () => number;
}

/** 40 random bits. If 1000 runs begin in the same second, the probability that two get the same name is one in two million. */
const idLength = 8;

/** Crockford's base 32, which has no two characters that look alike. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Returns a name for a sender, such as `x7kfm2pd`. */
export function randomId({ random }: Pick<IdSource, "random">): string {
  return Array.from({ length: idLength }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
}

/** Returns a name for a run, such as `20261122-111955-x7kfm2pd`. It begins with the time (UTC), so that names sort by time. */
export function runId({ now, random }: IdSource): string {
  const [date = "", time = ""] = new Date(now()).toISOString().replace(/[-:]/g, "").split(/[T.]/);
  return `${date}-${time}-${randomId({ random })}`;
}

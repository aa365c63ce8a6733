/**
 * Names for runs and senders that were given none.
 *
 * @module
 */

/** Where an identity comes from. */
export interface IdSource {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** 0 to below 1. */
  readonly random: () => number;
}

/** Forty bits: among a thousand that begin in the same second, two are equal once in two million times. */
const idLength = 8;

/** Crockford's base 32: no two characters look alike. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Names a sender: `x7kfm2pd`. */
export function randomId({ random }: Pick<IdSource, "random">): string {
  return Array.from({ length: idLength }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
}

/** Names a run by its time (UTC), so that a list of them is in order: `20261122-111955-x7kfm2pd`. */
export function runId({ now, random }: IdSource): string {
  const [date = "", time = ""] = new Date(now()).toISOString().replace(/[-:]/g, "").split(/[T.]/);
  return `${date}-${time}-${randomId({ random })}`;
}

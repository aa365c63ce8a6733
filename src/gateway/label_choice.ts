/**
 * The labels of a series that name its sender.
 *
 * @module
 */

/** The labels that distinguish senders: those in `without`, or all that are not in `by`. */
export interface LabelChoice {
  /** The labels that are removed. */
  readonly without?: readonly string[] | undefined;
  /** The labels that remain, in addition to the name and `le`. */
  readonly by?: readonly string[] | undefined;
}

/** These labels belong to every series: without them, its values have no meaning. */
const alwaysKept: readonly string[] = ["__name__", "le"];

/** Senders choose the names of labels, so there may be any number of them. */
const maxRemembered = 1000;

/** Returns a function that reports whether a label is removed. */
export function isRemovedBy({ without = [], by }: LabelChoice): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    let removed = known.get(name);
    if (removed === undefined) {
      removed = !alwaysKept.includes(name) && (by === undefined ? without.includes(name) : !by.includes(name));
      if (known.size < maxRemembered) known.set(name, removed);
    }
    return removed;
  };
}

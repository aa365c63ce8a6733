/**
 * The search for the bad series of a refused request: its range is cut in halves until the bad series stand alone.
 *
 * A series stays whole while the search can cut between series. A receiver that stores the good part of a refused request has all
 * samples of a good series then. It accepts the newest one again and refuses the older ones, as it would refuse bad ones. So older
 * samples that are refused are judged at the end of the search, by what happened to the newer ones:
 * - The newer ones are refused, too: the series is bad.
 * - Newer ones are accepted, and the receiver accepted several samples of a series again: it had stored nothing, so the older ones
 *   are bad.
 * - Otherwise the older ones were stored before, or they are bad. The sender cannot know which.
 *
 * @module
 */
import { Batch, type BatchSlice } from "../protocol/batch.ts";

/** How long a search may last. */
export interface BisectOptions {
  /** Whether there are searches at all. */
  readonly bisect: boolean;
  /** How long one search may last, in milliseconds, without the time of outages. @default 60000 */
  readonly searchMs?: number | undefined;
}

/** Older samples of a series that were refused. */
interface Doubt extends BatchSlice {
  refused: number;
  readonly reason: string;
  /** Whether they may be stored: a newer sample of the series was accepted, or its outcome is not known. */
  unknown: boolean;
}

/** So many refused series show that the receiver stored the good part. In a single one, perhaps only older samples are bad. */
const minRepeats = 3;

/** The search in one refused request. */
export class Search {
  /** How long the search may last, in milliseconds. Afterwards its ranges are still sent, but not cut any more. */
  readonly limitMs: number;
  /** How long its requests took so far, in milliseconds. Time in which the endpoint does not answer is no part of it. */
  spentMs = 0;
  /** Whether the receiver accepted any range of the search. */
  saved = false;
  /** Whether samples were refused that are probably the cause of the first refusal. */
  isExplained = false;
  #rollsBack = false;
  /** How many series were refused except for their newest samples. */
  #repeats = 0;
  /** The samples that are judged at the end, by the key of their series. */
  readonly #doubts = new Map<number, Doubt>();

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** How many samples are judged at the end of the search. */
  get doubtful(): number {
    let sum = 0;
    for (const { refused } of this.#doubts.values()) sum += refused;
    return sum;
  }

  /** Whether the receiver seems to have stored the good part: then only the newest sample of a series shows if the series is bad. */
  get storedGoodPart(): boolean {
    return !this.#rollsBack && this.#repeats >= minRepeats;
  }

  /** Takes note that older samples of a series were refused. */
  doubt(slice: BatchSlice, reason: string): void {
    const key = slice.batch.keyAt(slice.from);
    const doubt = this.#doubts.get(key) ?? { ...slice, refused: 0, reason, unknown: false };
    doubt.refused += slice.to - slice.from;
    this.#doubts.set(key, doubt);
  }

  /** Takes note that a range of the search was accepted, or that its outcome is not known. */
  spare({ batch, from, to }: BatchSlice, isAccepted: boolean): void {
    for (let index = from; index < to; index++) {
      const key = batch.keyAt(index);
      if (isAccepted && index > from && key === batch.keyAt(index - 1)) this.#rollsBack = true;
      const doubt = this.#doubts.get(key);
      if (doubt === undefined || doubt.unknown) continue;
      doubt.unknown = true;
      if (isAccepted) this.#repeats++;
    }
  }

  /** Returns the newest sample of each series of a range. The older ones are judged at the end. */
  newestOf({ batch, from, to }: BatchSlice, reason: string): Batch {
    const newest = new Batch();
    for (let index = from; index < to; index++) {
      if (index + 1 < to && batch.keyAt(index) === batch.keyAt(index + 1)) {
        this.doubt({ batch, from: index, to: index + 1 }, reason);
      } else newest.copy(batch, index);
    }
    return newest;
  }

  /** Ends the search. Returns what happened to the older samples. */
  end(): Doubt[] {
    const doubts = [...this.#doubts.values()];
    this.#doubts.clear();
    const isBad = ({ unknown }: Doubt): boolean => !unknown || this.#rollsBack;
    // If nothing else explains the first refusal, at least one of these samples is bad.
    let unexplained = !this.isExplained && !doubts.some(isBad);
    return doubts.flatMap((doubt) => {
      const rejected = isBad(doubt) ? doubt.refused : unexplained ? 1 : 0;
      unexplained = false;
      return [
        { ...doubt, refused: rejected, unknown: false },
        { ...doubt, refused: doubt.refused - rejected, unknown: true },
      ];
    });
  }
}

/** A range of samples, and the search that it belongs to, if there is one. */
interface SearchedRange extends BatchSlice {
  readonly search: Search | undefined;
}

/** The time is enough to find 150 bad series among 500, at 50 ms for each request. */
const defaultSearchMs = 60_000;

/** The limit of a search after searches that saved no sample: perhaps all samples of an old recording are too old. */
const minSearchMs = 1_000;

/** Decides which ranges are cut. */
export class BadSeriesSearch {
  readonly #options: BisectOptions;
  readonly #maxMs: number;
  /** The limit of the next search. A search that reaches it halves it; a search that saves a sample restores it. */
  #limitMs: number;
  #ended: Search | undefined;

  constructor(options: BisectOptions) {
    this.#options = options;
    this.#limitMs = this.#maxMs = options.searchMs ?? defaultSearchMs;
  }

  /** Reports whether this range would be cut if it were refused. */
  canCut({ from, to, search }: SearchedRange): boolean {
    if (!this.#options.bisect || to - from < 2) return false;
    if (search === undefined || search.spentMs < search.limitMs) return true;
    if (this.#ended !== search) this.#limitMs = Math.max(minSearchMs, this.#limitMs / 2);
    this.#ended = search;
    return false;
  }

  /** Returns the search that the halves of this range belong to. */
  begin({ search }: Pick<SearchedRange, "search">): Search {
    return search ?? new Search(this.#limitMs);
  }

  /** Takes note that a search saved samples. */
  saved(search: Search): void {
    search.saved = true;
    this.#limitMs = this.#maxMs;
  }
}

/** Returns where to cut a range: near the middle, and between two series if it has several. */
export function middleOf({ batch, from, to }: BatchSlice): number {
  const middle = from + ((to - from) >> 1);
  for (let distance = 0; distance < to - from; distance++) {
    for (const at of [middle - distance, middle + distance]) {
      if (at > from && at < to && batch.keyAt(at - 1) !== batch.keyAt(at)) return at;
    }
  }
  return middle;
}

/**
 * The search for the bad series of a refused request: its range is cut in halves until the bad series stand alone.
 *
 * @module
 */

/** The search in one refused request. */
export interface Search {
  /** When the search ends: its ranges are still sent, but not cut any more. */
  readonly untilMs: number;
  /** Whether the receiver accepted any range of it. */
  saved: boolean;
}

/** A range of samples, and the search that it belongs to, if there is one. */
interface SearchedRange {
  readonly from: number;
  readonly to: number;
  readonly search: Search | undefined;
}

/** How long a search may last. */
export interface BisectOptions {
  /** Whether there are searches at all. */
  readonly bisect: boolean;
  /** How long one search may last, in milliseconds. @default 60000 */
  readonly searchMs?: number | undefined;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
}

/** Finds 150 bad series among 500, at 50 ms for each request. */
const defaultSearchMs = 60_000;

/** The limit for a search after others that saved nothing: all samples of an old recording may be out of bounds. */
const minSearchMs = 1_000;

/** Decides which ranges are cut. */
export class BadSeriesSearch {
  readonly #options: BisectOptions;
  readonly #maxMs: number;
  /** It is halved for each search that takes all of it, until one saves a sample. */
  #limitMs: number;
  #ended: Search | undefined;

  constructor(options: BisectOptions) {
    this.#options = options;
    this.#limitMs = this.#maxMs = options.searchMs ?? defaultSearchMs;
  }

  /** Reports whether this range would be cut if it were refused. */
  canCut({ from, to, search }: SearchedRange): boolean {
    if (!this.#options.bisect || to - from < 2) return false;
    if (search === undefined || this.#options.monotonicNow() < search.untilMs) return true;
    if (this.#ended !== search) this.#limitMs = Math.max(minSearchMs, this.#limitMs / 2);
    this.#ended = search;
    return false;
  }

  /** Returns the search that the halves of this range belong to. */
  begin({ search }: Pick<SearchedRange, "search">): Search {
    return search ?? { untilMs: this.#options.monotonicNow() + this.#limitMs, saved: false };
  }

  /** Takes note that a search saved samples. */
  saved(search: Search): void {
    search.saved = true;
    this.#limitMs = this.#maxMs;
  }
}

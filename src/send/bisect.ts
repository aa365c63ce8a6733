/**
 * The search for the bad series of a refused request: its range is cut in halves until the bad series stand alone.
 *
 * @module
 */
/** The search in one refused request. */
export interface Search {
  /** How many requests it may still use. */
  requestsLeft: number;
}

/** A range of samples, and the search that it belongs to, if there is one. */
interface SearchedRange {
  readonly from: number;
  readonly to: number;
  readonly search: Search | undefined;
}

/** How much a search may cost. */
export interface BisectOptions {
  /** Whether there are searches at all. */
  readonly bisect: boolean;
  /** How many requests one search may use, each with its retries. @default 100 */
  readonly maxBisectRequests?: number | undefined;
}

/** Finds four bad series that are scattered among 2000. */
const defaultMaxRequests = 100;

/** The limit for a search after others that saved nothing: all samples of an old recording may be out of bounds. */
const minRequests = 8;

/** Decides which ranges are cut. */
export class BadSeriesSearch {
  readonly #max: number;
  /** It is halved for each search, until one saves a sample. */
  #limit: number;

  constructor({ bisect, maxBisectRequests = defaultMaxRequests }: BisectOptions) {
    this.#limit = this.#max = bisect ? maxBisectRequests : 0;
  }

  /** Reports whether this range would be cut if it were refused. */
  canCut({ from, to, search }: SearchedRange): boolean {
    return to - from > 1 && (search?.requestsLeft ?? this.#limit) >= 2;
  }

  /** Returns the search that the halves of this range belong to, after counting their requests. */
  begin({ search }: Pick<SearchedRange, "search">): Search {
    const current = search ?? { requestsLeft: this.#limit };
    if (search === undefined) this.#limit = Math.max(Math.min(minRequests, this.#max), this.#limit >> 1);
    current.requestsLeft -= 2;
    return current;
  }

  /** Takes note that a search saved samples. */
  saved(): void {
    this.#limit = this.#max;
  }
}

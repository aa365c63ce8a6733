import type { Label } from "../time_series.ts";
import { type Breach, type Clause, cut } from "./breach.ts";
import { formatSeries } from "./format_series.ts";

/** How many breaches an answer names. */
const maxNamed = 5;

/** How many breaches of a request are handed on: twenty kilobytes can hold a million, and each may become a line of a log. */
const maxHandedOn = 100;

/** Answers with a reason that people can read, as the specifications ask of a receiver. */
export function refuse(status: number, reason: string, headers: Record<string, string> = {}): Response {
  return new Response(`${reason}\n`, { status, headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" } });
}

/** The breaches of one request: the first ones are handed on, those before them are kept for the answer, the others counted. */
export class BreachList {
  /** How many there are. */
  count = 0;
  readonly #first: Breach[] = [];
  readonly #onBreach: (breach: Breach) => void;
  #last: Clause | undefined;

  constructor(onBreach: (breach: Breach) => void) {
    this.#onBreach = onBreach;
  }

  /** Takes one; with the labels of the series whose it is. */
  readonly add = (clause: Clause, message: string, labels?: readonly Label[]): void => {
    this.count++;
    this.#last = clause;
    if (this.count > maxHandedOn) return;
    const breach = { clause, message, ...(labels !== undefined && { series: formatSeries(shortened(labels)) }) };
    if (this.#first.length < maxNamed) this.#first.push(breach);
    this.#onBreach(breach);
  };

  /** Hands on how many there are, where that is more than were handed on. */
  end(): void {
    if (this.#last === undefined || this.count <= maxHandedOn) return;
    const message =
      `the request has ${this.count} breaches, of which these are the first ${maxHandedOn}, expected none`;
    this.#onBreach({ clause: this.#last, message });
  }

  /** The reason to give. */
  toString(): string {
    const lines = this.#first.map(({ clause, message, series }) =>
      `${clause}: ${message}${series === undefined ? "" : `, in ${cut(series, 200)}`}`
    );
    const more = this.count - lines.length;
    if (more > 0) lines.push(`and ${more} more`);
    const count = this.count === 1 ? "1 breach" : `${this.count} breaches`;
    return `Cannot accept the request: it has ${count} of the specification\n${lines.join("\n")}`;
  }
}

/** Breaches may be kept for long, and a hostile series is as long as its request. */
function shortened(labels: readonly Label[]): Label[] {
  return labels.slice(0, 64).map(({ name, value }) => ({ name: cut(name, 200), value: cut(value, 200) }));
}

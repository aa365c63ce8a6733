import { type Breach, cut } from "./breach.ts";

/** How many breaches an answer names. */
const maxNamed = 5;

/** Answers with a reason that people can read, as the specifications ask of a receiver. */
export function refuse(status: number, reason: string, headers: Record<string, string> = {}): Response {
  return new Response(`${reason}\n`, { status, headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" } });
}

/** The breaches of one request: all are handed on, the first ones are kept for the answer. */
export class BreachList {
  /** How many there are. */
  count = 0;
  readonly #first: Breach[] = [];
  readonly #onBreach: (breach: Breach) => void;

  constructor(onBreach: (breach: Breach) => void) {
    this.#onBreach = onBreach;
  }

  /** Takes one. */
  readonly add = (breach: Breach): void => {
    this.count++;
    if (this.#first.length < maxNamed) this.#first.push(breach);
    this.#onBreach(breach);
  };

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

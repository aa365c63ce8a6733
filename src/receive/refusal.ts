import type { Label } from "../model/time_series.ts";
import { cut, type Rule, type Violation } from "./rules/violation.ts";
import { formatSeries } from "./format_series.ts";

/** How many violations an answer names. */
const maxNamed = 5;

/** How many violations of a request are handed on: twenty kilobytes can hold a million, and each may become a line of a log. */
const maxHandedOn = 100;

/** Answers with a reason that people can read, as the specifications ask of a receiver. */
export function refuse(status: number, reason: string, headers: Record<string, string> = {}): Response {
  return new Response(`${reason}\n`, { status, headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" } });
}

/** The violations of one request: the first ones are handed on, those before them are kept for the answer, the others counted. */
export class ViolationList {
  /** How many there are. */
  count = 0;
  readonly #first: Violation[] = [];
  readonly #onViolation: (violation: Violation) => void;
  #last: Rule | undefined;

  constructor(onViolation: (violation: Violation) => void) {
    this.#onViolation = onViolation;
  }

  /** Takes one; with the labels of the series whose it is. */
  readonly add = (rule: Rule, message: string, labels?: readonly Label[]): void => {
    this.count++;
    this.#last = rule;
    if (this.count > maxHandedOn) return;
    const violation = { rule, message, ...(labels !== undefined && { series: formatSeries(shortened(labels)) }) };
    if (this.#first.length < maxNamed) this.#first.push(violation);
    this.#onViolation(violation);
  };

  /** Hands on how many there are, where that is more than were handed on. */
  end(): void {
    if (this.#last === undefined || this.count <= maxHandedOn) return;
    const message =
      `the request has ${this.count} violations, of which these are the first ${maxHandedOn}, expected none`;
    this.#onViolation({ rule: this.#last, message });
  }

  /** The reason to give. */
  toString(): string {
    const lines = this.#first.map(({ rule, message, series }) =>
      `${rule}: ${message}${series === undefined ? "" : `, in ${cut(series, 200)}`}`
    );
    const more = this.count - lines.length;
    if (more > 0) lines.push(`and ${more} more`);
    const count = this.count === 1 ? "1 violation" : `${this.count} violations`;
    return `Cannot accept the request: it has ${count} of the specification\n${lines.join("\n")}`;
  }
}

/** Violations may be kept for long, and a hostile series is as long as its request. */
function shortened(labels: readonly Label[]): Label[] {
  return labels.slice(0, 64).map(({ name, value }) => ({ name: cut(name, 200), value: cut(value, 200) }));
}

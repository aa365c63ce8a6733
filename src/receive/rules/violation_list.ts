import type { Label } from "../../model/time_series.ts";
import { formatSeries } from "../format_series.ts";
import { cut } from "../../model/printable.ts";
import type { Rule, Violation } from "./rules.ts";

/** The number of violations that an answer names. */
const maxNamed = 5;

/** The number of violations of a request that are reported: 20 kB can hold a million, and each may become a line of a log. */
const maxReported = 100;

/** The violations of one request. Reports the first ones, keeps a few for the answer and counts all. */
export class ViolationList {
  #count = 0;
  #last: Rule | undefined;
  readonly #first: Violation[] = [];
  readonly #onViolation: (violation: Violation) => void;

  constructor(onViolation: (violation: Violation) => void) {
    this.#onViolation = onViolation;
  }

  /** Adds a violation; `labels` are those of the series that broke the rule. */
  readonly add = (rule: Rule, message: string, labels?: readonly Label[]): void => {
    this.#count++;
    this.#last = rule;
    if (this.#count > maxReported) return;
    const violation = { rule, message, ...(labels !== undefined && { series: formatSeries(shortened(labels)) }) };
    if (this.#first.length < maxNamed) this.#first.push(violation);
    this.#onViolation(violation);
  };

  /** Ends the list. Returns the reason to refuse the request, or undefined if there are no violations. */
  end(): string | undefined {
    if (this.#last === undefined) return undefined;
    const count = this.#count;
    if (count > maxReported) {
      const message = `the request has ${count} violations, of which these are the first ${maxReported}, expected none`;
      this.#onViolation({ rule: this.#last, message });
    }
    const lines = this.#first.map(({ rule, message, series }) =>
      `${rule}: ${message}${series === undefined ? "" : `, in ${cut(series, 200)}`}`
    );
    if (count > lines.length) lines.push(`and ${count - lines.length} more`);
    const violations = count === 1 ? "1 violation" : `${count} violations`;
    return `Cannot accept the request: it has ${violations} of the specification:\n${lines.join("\n")}`;
  }
}

/** Shortens labels: the caller may keep violations for long, and a hostile series is as long as its request. */
function shortened(labels: readonly Label[]): Label[] {
  return labels.slice(0, 64).map(({ name, value }) => ({ name: cut(name, 200), value: cut(value, 200) }));
}

/**
 * Where a user finds a run after it: a PromQL query, and a link to Grafana.
 *
 * @module
 */
import { parseUrl } from "../config/option_parsers.ts";
import type { Flag } from "./arguments.ts";

export const grafanaUrlFlag: Flag = {
  flag: "grafana-url",
  placeholder: "URL",
  help: "The address of Grafana, or of a dashboard with a variable testid. At the end, a link shows the run there.",
  parse: parseUrl,
};

/** A run that is over. */
interface FinishedRun {
  readonly testid: string;
  /** The beginning of the names of its series. */
  readonly prefix: string;
  /** When it began and ended, in milliseconds since the Unix epoch. */
  readonly from: number;
  readonly to: number;
}

/** Where a user finds a run. */
export interface RunLinks {
  /** A PromQL query for the last values of all its series. */
  readonly query: string;
  /** A link to Grafana, if its address is known. */
  readonly grafana: string | undefined;
}

/**
 * Returns a PromQL query for the last values of all series of a run. It finds them after the end, too: a selector alone finds
 * nothing after staleness markers, or five minutes later.
 */
export function queryOf(run: Pick<FinishedRun, "testid" | "prefix">): string {
  return `last_over_time(${selectorOf(run)}[1h])`;
}

/** Returns a selector of all series of a run. */
function selectorOf({ testid, prefix }: Pick<FinishedRun, "testid" | "prefix">): string {
  // A prefix has only letters, digits, underscores and colons, so it needs no escapes in a regular expression.
  const name = prefix === "" ? "" : `__name__=~"${prefix}.+", `;
  return `{${name}testid=${JSON.stringify(testid)}}`;
}

/** Returns a link to a dashboard (a URL with `/d/`), or else to Grafana's explorer, with the time range of the run. */
export function grafanaLink(url: string, run: FinishedRun): string {
  const link = new URL(url);
  // The link is printed.
  link.username = link.password = "";
  const range = { from: String(Math.floor(run.from)), to: String(Math.ceil(run.to)) };
  if (/\/d\//.test(link.pathname)) {
    for (const [name, value] of Object.entries({ "var-testid": run.testid, ...range })) {
      link.searchParams.set(name, value);
    }
    return link.href;
  }
  link.pathname = `${link.pathname.replace(/\/$/, "")}/explore`;
  const pane = { queries: [{ refId: "A", expr: selectorOf(run) }], range };
  link.searchParams.set("schemaVersion", "1");
  link.searchParams.set("panes", JSON.stringify({ run: pane }));
  return link.href;
}

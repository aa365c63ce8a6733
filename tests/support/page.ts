/** A page in a real Chromium, which a test drives as a user does. */
import { pathToFileURL } from "node:url";
import { programs } from "./programs.ts";

/** How the page is opened. */
export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly phone?: boolean;
}

/** A page in a browser. */
export interface Page {
  /** Exceptions of the page and errors of the browser, such as violations of a policy. */
  readonly problems: readonly string[];
  /** Opens another address, and forgets the problems before. */
  open(url: string): Promise<void>;
  /** Calls the DevTools protocol. */
  call(method: string, params?: object): Promise<Readonly<Record<string, unknown>>>;
  /** Evaluates an expression, also an async one. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until an expression is true. */
  until(expression: string, timeoutMs?: number): Promise<void>;
  press(key: string): Promise<void>;
  screenshot(options?: { readonly whole?: boolean }): Promise<Uint8Array>;
  stop(): Promise<void>;
}

// By a computed path, as this file may run compiled, from another folder.
const script: { openPage(program: string, url: string, options?: OpenOptions): Promise<Page> } = await import(
  pathToFileURL("scripts/test/start_chromium.mjs").href
);

/** Why tests in a browser are skipped; false if they are not. Under CI=true they never are. */
export const noChromium: string | false = process.env.CI === "true" || programs.chromium !== undefined
  ? false
  : "there is no chromium on this machine (Debian package chromium)";

/** High enough for all parts of the test view: parts that cannot be seen are not drawn. */
const height = 2400;

/** The page that the last call left. To start a browser takes a second of CPU time. */
let idlePage: Page | undefined;

/** Calls a function with a page. The browser stays for the next call: a file that uses it calls `closeBrowser` at its end. */
export async function withPage(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const page = idlePage ?? await script.openPage(programs.chromium, "about:blank", { height });
  // After a failure, the next call gets a new browser.
  idlePage = undefined;
  try {
    await page.open(url);
    await use(page);
    await page.open("about:blank");
    idlePage = page;
  } finally {
    if (idlePage === undefined) await page.stop();
  }
}

/** Ends the browser. */
export async function closeBrowser(): Promise<void> {
  await idlePage?.stop();
  idlePage = undefined;
}

/** Returns the texts of the cells of each row of a table, by the title of the table. */
export async function rowsOf(page: Page, title: string): Promise<string[][]> {
  const rows = await page.evaluate(`[...document.querySelectorAll(".table")]
    .filter((table) => table.querySelector("h3").textContent === ${JSON.stringify(title)})
    .flatMap((table) => [...table.querySelectorAll("tbody tr")])
    .map((row) => [...row.children].map((cell) => cell.textContent))`);
  return Array.isArray(rows) ? rows : [];
}

/** Returns the large number of a card, and the text below it. */
export async function figureOf(page: Page, title: string): Promise<readonly [value: string, detail: string]> {
  const found = await page.evaluate(`[...document.querySelectorAll(".figure")]
    .filter((figure) => figure.querySelector("h3").textContent === ${JSON.stringify(title)})
    .map((figure) => [figure.querySelector("strong").textContent, figure.querySelector(".detail").textContent])[0]`);
  const [value = "", detail = ""] = Array.isArray(found) ? found.map(String) : [];
  return [value, detail];
}

const factors: Readonly<Record<string, number>> = {
  "": 1,
  "%": 0.01,
  "/s": 1,
  "µs": 1e-6,
  ms: 1e-3,
  s: 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  "B/s": 1,
  "kB/s": 1e3,
};

/** Reads a number as the page shows it, in seconds, bytes or as a share. */
export function numberOf(text: string): number {
  const [, number = "", unit = ""] = /(-?[\d.,]+)\s*([^\d\s]*)\s*$/.exec(text.trim()) ?? [];
  // 6.5 * 0.001 is not quite 0.0065.
  return Number((Number(number.replaceAll(",", "")) * (factors[unit] ?? NaN)).toPrecision(12));
}

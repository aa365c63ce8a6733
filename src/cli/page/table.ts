/**
 * A table that the user can sort and filter.
 *
 * @module
 */
import { element, foreign, setAttribute, setChildren, setText } from "./dom.ts";

/** A cell. */
export interface TableCell {
  /** The text. A function is called only if the row is shown. */
  readonly text: string | (() => string);
  /** Whether the text is a string of another program. @default false */
  readonly isForeign?: boolean;
  /** What the column is sorted by. A function is called only if the table is sorted by this column. @default the text */
  readonly order?: number | string | (() => number);
  /** A class for its looks. The text must say the same. */
  readonly class?: string | (() => string);
}

/** A row, which keeps its elements for as long as its key is shown. */
export interface TableRow {
  readonly key: string;
  readonly cells: readonly TableCell[];
}

/** A column. */
export interface TableColumn {
  readonly title: string;
  /** Whether it has numbers: they are aligned to the right, and the largest come first. */
  readonly isNumber?: boolean;
  /** Explains the column. */
  readonly help?: string;
}

/** How a table looks. */
export interface TableOptions {
  readonly title: string;
  readonly columns: readonly TableColumn[];
  /** The column by which it is sorted at first. */
  readonly sortBy?: number;
  /** What the field for the filter is called; without it, the table has no filter. */
  readonly filter?: string;
  /** What to show if there are no rows. */
  readonly empty: string;
  /** Called with the key of a row that the user chose. */
  readonly onChoose?: (key: string) => void;
  /** Says what choosing a row does. */
  readonly chooseHint?: string;
}

/** How many rows are shown at first, and how many more at each request: a page with thousands of rows is slow. */
const pageRows = 25;

/** One table. */
export class Table {
  readonly root: HTMLElement;
  readonly #options: TableOptions;
  readonly #body: HTMLElement;
  readonly #headers: HTMLElement[];
  readonly #more: HTMLButtonElement;
  readonly #empty: HTMLElement;
  readonly #count: HTMLElement;
  readonly #table: HTMLElement;
  readonly #known = new Map<string, HTMLTableRowElement>();
  #rows: readonly TableRow[] = [];
  #sortBy: number;
  #isDescending = true;
  #filter = "";
  #shown = pageRows;
  chosen: string | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#sortBy = options.sortBy ?? 0;
    this.#isDescending = options.columns[this.#sortBy]?.isNumber === true;
    this.#headers = options.columns.map(({ title, isNumber, help }, index) =>
      element(
        "th",
        {
          class: isNumber === true ? "number" : "",
          attributes: { scope: "col", ...help !== undefined && { title: help } },
        },
        element(
          "button",
          { attributes: { type: "button" }, on: { click: () => this.#sort(index) } },
          title,
          element("i", { attributes: { "aria-hidden": "true" } }),
        ),
      )
    );
    this.#body = element("tbody");
    this.#count = element("span", { class: "at" });
    this.#more = element("button", {
      class: "more",
      attributes: { type: "button" },
      on: { click: () => this.#show(this.#shown + 4 * pageRows) },
    });
    this.#empty = element("p", { class: "hint", text: options.empty });
    this.#table = element(
      "div",
      { class: "scroll" },
      element(
        "table",
        {},
        element("caption", { class: "hidden", text: options.title }),
        element("thead", {}, element("tr", {}, ...this.#headers)),
        this.#body,
      ),
    );
    const head = element("div", { class: "head" }, element("h3", { text: options.title }), this.#count);
    if (options.filter !== undefined) {
      head.append(element("input", {
        attributes: { type: "search", placeholder: options.filter, "aria-label": options.filter, spellcheck: "false" },
        on: {
          input: ({ target }) => {
            this.#filter = target instanceof HTMLInputElement ? target.value.toLowerCase() : "";
            this.#show(pageRows);
          },
        },
      }));
    }
    this.root = element("section", { class: "card table" }, head, this.#empty, this.#table, this.#more);
    if (options.chooseHint !== undefined) this.root.append(element("p", { class: "note", text: options.chooseHint }));
  }

  /** Shows rows. */
  update(rows: readonly TableRow[]): void {
    this.#rows = rows;
    this.#render();
  }

  #sort(column: number): void {
    if (column === this.#sortBy) this.#isDescending = !this.#isDescending;
    else this.#isDescending = this.#options.columns[column]?.isNumber === true;
    this.#sortBy = column;
    this.#render();
  }

  #show(rows: number): void {
    this.#shown = rows;
    this.#render();
  }

  #render(): void {
    const words = this.#filter;
    const all = words === ""
      ? this.#rows
      : this.#rows.filter(({ cells: [name] }) => textOf(name).toLowerCase().includes(words));
    const sign = this.#isDescending ? -1 : 1;
    const sorted = all.map((row) => ({ row, order: orderOf(row.cells[this.#sortBy]) }))
      .sort((a, b) => sign * compare(a.order, b.order) || (a.row.key < b.row.key ? -1 : 1)).map(({ row }) => row);
    const shown = sorted.slice(0, this.#shown);
    for (const [index, header] of this.#headers.entries()) {
      const isSorted = index === this.#sortBy;
      setAttribute(header, "aria-sort", isSorted ? this.#isDescending ? "descending" : "ascending" : undefined);
      const mark = header.querySelector("i");
      if (mark !== null) setText(mark, isSorted ? this.#isDescending ? " ▼" : " ▲" : "");
    }
    setChildren(this.#body, shown.map((row) => this.#elementOf(row)));
    if (this.#known.size > 4 * shown.length + 100) {
      const keys = new Set(shown.map(({ key }) => key));
      for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    }
    this.#more.hidden = sorted.length <= shown.length;
    setText(this.#more, `Show more (${sorted.length - shown.length} rows are not shown)`);
    this.#table.hidden = this.#rows.length === 0;
    this.#empty.hidden = this.#rows.length > 0;
    setText(this.#count, words === "" ? "" : `${all.length} of ${this.#rows.length}`);
  }

  #elementOf(row: TableRow): HTMLTableRowElement {
    const { columns, onChoose } = this.#options;
    let made = this.#known.get(row.key);
    if (made === undefined) {
      made = element("tr");
      for (const [index, { isForeign = false }] of row.cells.entries()) {
        const cell = index === 0
          ? element("th", { attributes: { scope: "row" } })
          : element("td", { class: columns[index]?.isNumber === true ? "number" : "" });
        if (index === 0 && onChoose !== undefined) {
          cell.append(element("button", {
            class: "choose",
            attributes: { type: "button" },
            on: { click: () => onChoose(row.key) },
          }, foreign(textOf(row.cells[index]))));
        } else if (isForeign) cell.append(foreign(textOf(row.cells[index])));
        made.append(cell);
      }
      this.#known.set(row.key, made);
    }
    for (const [index, { isForeign = false, class: looks = "" }] of row.cells.entries()) {
      const cell = made.children[index];
      if (cell === undefined) continue;
      // Strings of other programs belong to the key of the row, so they do not change.
      if (!isForeign) setText(cell, textOf(row.cells[index]));
      const own = typeof looks === "function" ? looks() : looks;
      const name = `${columns[index]?.isNumber === true ? "number " : ""}${own}`.trim();
      if (index > 0 && cell.className !== name) cell.className = name;
    }
    if (onChoose !== undefined) {
      setAttribute(made, "class", row.key === this.chosen ? "chosen" : undefined);
      const button = made.querySelector("button");
      if (button !== null) setAttribute(button, "aria-pressed", String(row.key === this.chosen));
    }
    return made;
  }
}

function orderOf(cell: TableCell | undefined): number | string {
  const { order = textOf(cell) } = cell ?? {};
  return typeof order === "function" ? order() : order;
}

function textOf(cell: TableCell | undefined): string {
  return typeof cell?.text === "function" ? cell.text() : cell?.text ?? "";
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") {
    // Rows without a value come last when the largest come first.
    const [x, y] = [Number.isNaN(a) ? -Infinity : a, Number.isNaN(b) ? -Infinity : b];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

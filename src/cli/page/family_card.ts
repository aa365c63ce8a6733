/**
 * A card with a small chart of a metric family. A click shows the family.
 *
 * @module
 */
import type { Family } from "./catalog.ts";
import { Chart } from "./chart.ts";
import { element, foreignName, setText } from "./dom.ts";
import { chartUnit, describeFamily, FamilyLines, secondsOf, seriesOf } from "./family_chart.ts";
import type { PageState } from "./page_state.ts";
import { Panel } from "./panel.ts";
import { formatCount } from "./units.ts";

/** One card. */
export class FamilyCard {
  readonly root: HTMLElement;
  readonly #state: PageState;
  readonly #runOnly: boolean;
  readonly #panel: Panel;
  readonly #name = element("span");
  readonly #type = element("p", { class: "detail" });
  readonly #value = element("strong");
  readonly #lines = new FamilyLines();
  #chart: Chart | undefined;
  #family: Family | undefined;
  #unit = "";

  /** @param options runOnly: whether it shows only series of the chosen run */
  constructor(state: PageState, { runOnly }: { readonly runOnly: boolean }) {
    this.#state = state;
    this.#runOnly = runOnly;
    // The button covers the card, so that a click anywhere on it shows the family.
    const open = element("button", {
      class: "cover",
      attributes: { type: "button" },
      on: {
        click: () => {
          state.choose({ view: "all", family: this.#family?.name });
          scrollTo(0, 0);
        },
      },
    }, this.#name);
    this.root = element(
      "article",
      { class: "family card" },
      element("div", { class: "head" }, element("h3", {}, open), this.#value),
      this.#type,
    );
    this.#panel = new Panel(this.root, (changedMs) => this.#draw(changedMs));
  }

  /** Shows a family. */
  show(family: Family): void {
    if (family.name !== this.#family?.name) this.#name.replaceChildren(foreignName(family.name));
    this.#family = family;
    this.#panel.update(this.#state.changedMs);
  }

  /** Removes the card. */
  destroy(): void {
    this.#chart?.destroy();
    this.#panel.destroy();
    this.root.remove();
  }

  #draw(changedMs: number): void {
    const { catalog, run, fromStart, isLive } = this.#state;
    const family = this.#family;
    if (family === undefined) return;
    const testid = this.#runOnly ? run?.testid : undefined;
    const all = seriesOf(
      family,
      catalog,
      testid === undefined ? undefined : (series) => series.label("testid") === testid,
    );
    const zeroAfterMs = fromStart ? -Infinity : all.firstMs + 2 * all.intervalMs;
    const lines = this.#lines.lines(all, {
      fromMs: all.firstMs,
      toMs: all.lastMs,
      maxSteps: 80,
      changedMs,
      isLive,
      zeroAfterMs,
      key: testid ?? "",
    });
    const unit = chartUnit(all);
    if (this.#chart === undefined || this.#unit !== unit) {
      this.#chart?.destroy();
      this.#chart = new Chart({ title: family.name, unit, isSmall: true });
      this.#unit = unit;
      this.root.append(this.#chart.root);
    }
    const { grid } = this.#lines;
    this.#chart.update({ xs: lines.length === 0 ? [] : secondsOf(grid), lines, step: grid.stepMs / 1000 });
    const shown = this.#runOnly ? run : undefined;
    const { firstMs, lastMs } = shown ?? all;
    const startMs = shown === undefined ? this.#state.startMs : this.#state.scopeOf(shown).startMs;
    setText(this.#value, describeFamily(all, { firstMs, lastMs, startMs, zeroAfterMs }));
    const count = all.series.length;
    setText(
      this.#type,
      [family.type, `${formatCount(count)} series`, family.help].filter((text) => text !== "").join(" · "),
    );
  }
}

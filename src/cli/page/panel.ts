/**
 * Draws parts of the page only while they can be seen.
 *
 * @module
 */

const visible = new WeakSet<Element>();
let onVisible = (): void => {};
const observer = new IntersectionObserver((entries) => {
  let appeared = false;
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) visible.delete(target);
    else {
      visible.add(target);
      appeared = true;
    }
  }
  if (appeared) onVisible();
}, { rootMargin: "100px" });

/** Sets what is called when a part comes into view. */
export function whenVisible(callback: () => void): void {
  onVisible = callback;
}

/** A part of the page. It remembers what changed while it could not be seen. */
export class Panel {
  readonly root: HTMLElement;
  readonly #draw: (changedMs: number) => void;
  #changedMs = -Infinity;

  /** @param draw draws what changed since a time, in milliseconds */
  constructor(root: HTMLElement, draw: (changedMs: number) => void) {
    this.root = root;
    this.#draw = draw;
    observer.observe(root);
  }

  /** Notes what changed, and draws if the part can be seen. */
  update(changedMs: number): void {
    this.#changedMs = Math.min(this.#changedMs, changedMs);
    if (!visible.has(this.root) || this.root.hidden) return;
    this.#draw(this.#changedMs);
    this.#changedMs = Infinity;
  }

  /** Ends the observation. */
  destroy(): void {
    observer.unobserve(this.root);
  }
}

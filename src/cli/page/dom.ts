/**
 * Makes elements. Every string becomes text and never markup, because names and values come from other programs.
 *
 * @module
 */
import { printable } from "../../model/printable.ts";

/** What an element has. */
export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Returns an element with children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: ElementOptions = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) made.addEventListener(name, listener);
  made.append(...children);
  return made;
}

/**
 * Returns a string of another program as text. Control characters, also those that change the direction of the text around them, are
 * shown as escapes; the direction of the rest has no effect outside of the element.
 */
export function foreign(text: string): HTMLElement {
  return element("bdi", { text: printable(text) });
}

/** Returns a name as text that may be broken after its separators. */
export function foreignName(name: string): HTMLElement {
  const parts = printable(name).split(/(?<=[_.:/])/);
  return element("bdi", {}, ...parts.flatMap((part, index) => index === 0 ? [part] : [element("wbr"), part]));
}

/** Sets the text of an element if it is different. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets or removes an attribute if it is different. */
export function setAttribute(target: Element, name: string, value: string | undefined): void {
  if (value === undefined) target.removeAttribute(name);
  else if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/** Makes the children of an element exactly these, and leaves those in place that are there already. */
export function setChildren(target: Element, children: readonly Node[]): void {
  for (const [index, child] of children.entries()) {
    const present = target.childNodes[index];
    if (present !== child) target.insertBefore(child, present ?? null);
  }
  while (target.childNodes.length > children.length) target.lastChild?.remove();
}

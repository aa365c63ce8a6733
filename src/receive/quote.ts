import { printable } from "../model/printable.ts";

/** Quotes a sender's string for a message, and shortens it to 100 characters. */
export function quote(text: string): string {
  return printable(JSON.stringify(cut(text, 100)));
}

/** Shortens a string to a number of characters, followed by an ellipsis. */
export function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

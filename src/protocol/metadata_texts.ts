/**
 * Metadata from programs without types.
 *
 * @module
 */
import type { Metadata } from "../model/time_series.ts";

/** The texts are texts, whatever was handed over: the encoders count on it. Null is none. */
export function metadataTexts({ type, help, unit }: Metadata): Metadata {
  return { type, help: String(help ?? ""), unit: String(unit ?? "") };
}

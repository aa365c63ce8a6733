/**
 * Reads the answer to a request. The body is never trusted, and never read in full.
 *
 * @module
 */
import { cleanText, redactSecrets } from "./redact.ts";
import type { WrittenCounts } from "./request_result.ts";
import { abortAfter, type Sleep, untilAborted } from "./sleep.ts";

/** The most bytes of an error that are shown. Prometheus logs as many. */
const maxReasonBytes = 1024;

/** How long a body that is not needed is read, in milliseconds. A body of a few bytes comes together with the headers. */
const drainMs = 100;

/** How long an error is read, in milliseconds: a body that does not end must not delay the samples that wait. */
const maxReasonMs = 1_000;

/** Reads a short body that is not needed, so that the connection can be used again. It does not wait for a longer one. */
export async function drain(
  response: Response,
  { signal, sleep }: { readonly signal: AbortSignal; readonly sleep: Sleep },
): Promise<void> {
  if (response.body !== null) await readStart(response, { maxBytes: maxReasonBytes, maxMs: drainMs, sleep, signal });
}

/** Returns the receiver's words: at most 1024 bytes, of at most a second, on one line, without the secrets. */
export async function readReason(
  response: Response,
  { secrets, signal, sleep }: {
    readonly secrets: ReadonlySet<string>;
    readonly signal: AbortSignal;
    readonly sleep: Sleep;
  },
): Promise<string> {
  // A secret is found only as a whole, so more bytes are read than are shown. The last ones may be a part of a secret: they are cut off.
  const encoder = new TextEncoder();
  // JSON takes up to six bytes for a character.
  const longest = 6 * Math.max(0, ...Array.from(secrets, (secret) => encoder.encode(secret).length));
  const maxBytes = maxReasonBytes + longest;
  const start = await readStart(response, { maxBytes, maxMs: maxReasonMs, sleep, signal });
  const text = redactSecrets(new TextDecoder().decode(start), secrets);
  const whole = start.length === maxBytes ? text.slice(0, text.length - longest) : text;
  const redacted = encoder.encode(whole).subarray(0, maxReasonBytes);
  // The cut may be within a character.
  return cleanText(new TextDecoder().decode(redacted).replace(/\uFFFD+$/, "")) || "no reason given";
}

/** Returns the whole body as a string; undefined, without reading the rest, if it is longer than `maxBytes`. */
export async function readAtMost(
  { body }: Response,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    while (reader !== undefined) {
      const { value } = await untilAborted(reader.read(), signal);
      if (value === undefined) break;
      length += value.length;
      if (length > maxBytes) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    return text + decoder.decode();
  } finally {
    // This is not awaited, because the rest may never come.
    reader?.cancel().catch(() => {});
  }
}

/** Returns the first bytes of the body; fewer if the body breaks off, the time is over or the signal fires. */
async function readStart(
  { body }: Response,
  { maxBytes, maxMs, sleep, signal }: {
    readonly maxBytes: number;
    readonly maxMs: number;
    readonly sleep: Sleep;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  const start = new Uint8Array(maxBytes);
  const end = new AbortController();
  const clear = abortAfter(maxMs, end, { sleep, signal });
  let length = 0;
  const reader = body?.getReader();
  try {
    while (reader !== undefined && length < maxBytes) {
      const { value } = await untilAborted(reader.read(), end.signal);
      if (value === undefined) break;
      const part = value.subarray(0, maxBytes - length);
      start.set(part, length);
      length += part.length;
    }
  } catch {
    // If the body cannot be read, the status is enough.
  }
  clear();
  // This is not awaited, because the rest may never come.
  reader?.cancel().catch(() => {});
  return start.subarray(0, length);
}

/** Returns the counts of the Written headers. A missing one counts as 0; if all are missing, the result is undefined. */
export function writtenCounts(headers: Headers): WrittenCounts | undefined {
  const [samples, histograms, exemplars] = ["Samples", "Histograms", "Exemplars"].map((kind) => {
    const value = headers.get(`X-Prometheus-Remote-Write-${kind}-Written`) ?? "";
    return /^\d+$/.test(value) ? Number(value) : undefined;
  });
  if ((samples ?? histograms ?? exemplars) === undefined) return undefined;
  return { samples: samples ?? 0, histograms: histograms ?? 0, exemplars: exemplars ?? 0 };
}

/** Reports whether an answer brings a page for people. Some frameworks give this type to every answer, also to a 204. */
export function isPage({ status, headers }: Response): boolean {
  return status !== 204 && /^text\/html\b/i.test(headers.get("content-type") ?? "");
}

const httpDate = /^\w{3}, \d.* GMT$/;

/**
 * Returns how long the header Retry-After asks to wait, in milliseconds; 0 for a date in the past. The result is undefined for
 * anything but seconds or an HTTP date, because `Date.parse` accepts almost any string.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(httpDate.exec(text)?.[0] ?? "");
  return dateMs > 0 ? Math.max(0, dateMs - nowMs) : undefined;
}

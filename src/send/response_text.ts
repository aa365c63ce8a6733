/**
 * The body of an answer: never needed in full, never trusted.
 *
 * @module
 */
import { abortAfter } from "./abort_after.ts";
import { cleanText, redactSecrets } from "./redact.ts";
import { type Sleep, untilAborted } from "./sleep.ts";

/** As much of an error as Prometheus logs. */
const maxReasonBytes = 1024;

/** A body of no more than a few bytes comes with the headers. */
const drainMs = 100;

const encoder = new TextEncoder();

/** Reads what little there may be of a body nobody needs, so that the connection can be used again; does not wait for more. */
export async function drain(
  response: Response,
  { signal, sleep }: { readonly signal: AbortSignal; readonly sleep: Sleep },
): Promise<void> {
  if (response.body === null) return;
  const end = new AbortController();
  const clear = abortAfter(drainMs, end, { sleep, signal });
  await readStart(response, { maxBytes: maxReasonBytes, signal: end.signal });
  clear();
}

/** The receiver's words: at most 1024 bytes, on one line, without the secrets. */
export async function readReason(
  response: Response,
  { secrets, signal }: { readonly secrets: ReadonlySet<string>; readonly signal: AbortSignal },
): Promise<string> {
  // A secret that begins before the cut must be seen whole to be found; where the body goes on, its last bytes may be a part of one.
  const longest = Math.max(0, ...Array.from(secrets, (secret) => encoder.encode(secret).length));
  const maxBytes = maxReasonBytes + longest;
  const start = await readStart(response, { maxBytes, signal });
  const text = redactSecrets(new TextDecoder().decode(start), secrets);
  const whole = start.length === maxBytes ? text.slice(0, text.length - longest) : text;
  const redacted = encoder.encode(whole).subarray(0, maxReasonBytes);
  // The cut may be in the middle of a character.
  const reason = cleanText(new TextDecoder().decode(redacted).replace(/\uFFFD+$/, ""));
  return reason === "" ? "no reason given" : reason;
}

/** The first bytes; fewer if the body breaks off or the signal fires. */
async function readStart(
  { body }: Response,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const start = new Uint8Array(maxBytes);
  let length = 0;
  const reader = body?.getReader();
  try {
    while (reader !== undefined && length < maxBytes) {
      const { value } = await untilAborted(reader.read(), signal);
      if (value === undefined) break;
      const part = value.subarray(0, maxBytes - length);
      start.set(part, length);
      length += part.length;
    }
  } catch {
    // The status is known, and says enough.
  }
  // Not awaited: what is left may never come.
  reader?.cancel().catch(() => {});
  return start.subarray(0, length);
}

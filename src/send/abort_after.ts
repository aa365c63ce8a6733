import type { Sleep } from "./sleep.ts";

/** Aborts after a time, or with another signal. Returns what ends the wait for both. */
export function abortAfter(
  timeoutMs: number,
  controller: AbortController,
  { sleep, signal }: { readonly sleep: Sleep; readonly signal?: AbortSignal },
): () => void {
  const waited = new AbortController();
  const abort = (): void => controller.abort();
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort, { once: true });
  void sleep(timeoutMs, waited.signal).then(() => {
    if (!waited.signal.aborted) abort();
  });
  return () => {
    waited.abort();
    signal?.removeEventListener("abort", abort);
  };
}

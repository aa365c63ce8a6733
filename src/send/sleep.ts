/**
 * Waits that can be ended early.
 *
 * @module
 */

/** Resolves after the time, or as soon as the signal fires. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** The longest time that a timer accepts; with a longer one, it fires at once. */
const maxTimerMs = 0x7fff_ffff;

/** Waits with the runtime's timers. It leaves no timer behind. */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, Math.min(ms, maxTimerMs));
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    }
    signal.addEventListener("abort", finish, { once: true });
  });

/** Returns the promise's result. If the signal fires first, it rejects with the signal's reason. */
export async function untilAborted<T>(promise: T | Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = (): void => reject(signal.reason);
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Aborts the controller after a time, or when another signal fires. Returns a function that cancels both. */
export function abortAfter(
  timeoutMs: number,
  controller: AbortController,
  { sleep, signal }: { readonly sleep: Sleep; readonly signal?: AbortSignal },
): () => void {
  const timer = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort, { once: true });
  void sleep(timeoutMs, timer.signal).then(() => {
    if (!timer.signal.aborted) controller.abort();
  });
  return () => {
    timer.abort();
    signal?.removeEventListener("abort", abort);
  };
}

/** Resolves when the promise settles, or after the time if it has not settled by then. */
export async function settledWithin(promise: Promise<unknown>, ms: number, sleep: Sleep): Promise<void> {
  const timer = new AbortController();
  const end = (): void => timer.abort();
  promise.then(end, end);
  await sleep(ms, timer.signal);
}

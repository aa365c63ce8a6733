/**
 * Waits that can be ended early.
 *
 * @module
 */

/** Resolves after the time, or as soon as the signal fires. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** The longest time that a timer accepts; with a longer one, it fires at once. */
const maxTimerMs = 0x7fff_ffff;

/** Calls a function when a signal fires, or now if it has fired. Returns a function that prevents the call. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  signal?.addEventListener("abort", call, { once: true });
  if (signal?.aborted === true) call();
  return () => signal?.removeEventListener("abort", call);
}

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
  let forget = (): void => {};
  const aborted = new Promise<never>((_, reject) => forget = onAbort(signal, () => reject(signal.reason)));
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    forget();
  }
}

/** Aborts the controller after a time, or when another signal fires. Returns a function that cancels both. */
export function abortAfter(
  timeoutMs: number,
  controller: AbortController,
  { sleep, signal }: { readonly sleep: Sleep; readonly signal?: AbortSignal },
): () => void {
  const timer = new AbortController();
  const forget = onAbort(signal, () => controller.abort(signal?.reason));
  void sleep(timeoutMs, timer.signal).then(() => {
    if (!timer.signal.aborted) controller.abort();
  });
  return () => {
    timer.abort();
    forget();
  };
}

/** Resolves when the promise settles, or after the time if it has not settled by then. */
export async function settledWithin(promise: Promise<unknown>, ms: number, sleep: Sleep): Promise<void> {
  const timer = new AbortController();
  const end = (): void => timer.abort();
  promise.then(end, end);
  await sleep(ms, timer.signal);
}

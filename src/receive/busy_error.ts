/** To be thrown by `onWrite` where a write cannot be taken now: the sender is answered 429 and told when to try again. */
export class BusyError extends Error {
  /** Tells it apart. */
  override readonly name = "BusyError";
  /** In how many milliseconds; rounded up to seconds. */
  readonly retryAfterMs: number;

  /** Says why not now. @param message goes to the sender */
  constructor(message: string, { retryAfterMs }: { readonly retryAfterMs: number }) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

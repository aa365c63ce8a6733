/** A promise and its end. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  settled: boolean;
}

/** Makes one that is not settled. */
export function deferred<Value>(): Deferred<Value> {
  let settle: (value: Value) => void = () => {};
  const promise = new Promise<Value>((resolve) => settle = resolve);
  const made: Deferred<Value> = {
    promise,
    resolve(value): void {
      made.settled = true;
      settle(value);
    },
    settled: false,
  };
  return made;
}

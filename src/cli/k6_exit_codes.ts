/**
 * What k6's exit codes mean.
 *
 * @module
 */

/** The meanings, by k6's table of exit codes (errext/exitcodes). */
const meanings: Readonly<Record<number, string>> = {
  97: "the test in the cloud failed",
  98: "the cloud did not report the progress",
  99: "thresholds failed",
  100: "setup() took too long",
  101: "teardown() took too long",
  102: "something took too long",
  103: "stopped through the REST API",
  104: "wrong configuration",
  105: "interrupted",
  106: "the REST API could not start",
  107: "the script threw an exception",
  108: "the script called test.abort()",
  109: "k6 itself crashed",
  110: "the script called test.fail()",
  // k6 ends with -1 for all errors without a code of their own, such as a missing script or an unknown flag.
  255: "see its message above",
};

/** Returns how k6 ended, such as "k6 ended with 99 (thresholds failed)". */
export function describeEnd({ code, signal }: { readonly code: number; readonly signal?: string }): string {
  if (signal !== undefined) return `${signal} ended k6`;
  const meaning = meanings[code];
  return `k6 ended with ${code}${meaning === undefined ? "" : ` (${meaning})`}`;
}

/** The code if a threshold was crossed. */
export const thresholdsFailed = 99;

/** Reports whether k6 says that the test failed: by a threshold, or because the script called test.fail(). */
export function saysFailed({ code }: { readonly code: number }): boolean {
  return code === thresholdsFailed || code === 110;
}

/** The codes of a run that k6 or its user brought to an end: k6 told its outputs everything. */
const regular: readonly number[] = [0, thresholdsFailed, 103, 105, 108, 110];

/** Reports whether the run of k6 came to its end, or was ended on purpose. Otherwise it was cut off. */
export function endedRegularly({ code, signal }: { readonly code: number; readonly signal?: string }): boolean {
  return signal === undefined && regular.includes(code);
}

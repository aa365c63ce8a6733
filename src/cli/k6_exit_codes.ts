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

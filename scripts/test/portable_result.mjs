/** Returns the result of the portable tests in the form that the other runtimes return, with what a reader must know as the output. */
export function countPortable({ passed, failures, slow = [] }) {
  const lines = [...failures.map((failure) => `not ok: ${failure}\n`), ...slow.map((test) => `slow: ${test}`)];
  return { status: 0, output: lines.join("\n"), passed, failed: failures.length };
}

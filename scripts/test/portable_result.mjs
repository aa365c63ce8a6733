/** Returns the result of the portable tests in the form that the other runtimes return, with the failures as the output. */
export function countPortable({ passed, failures }) {
  const output = failures.map((failure) => `not ok: ${failure}\n`).join("\n");
  return { status: 0, output, passed, failed: failures.length };
}

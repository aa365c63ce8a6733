/** Returns the result of the portable tests in the form that the other runtimes return, with the failures as the output. */
export function countPortable({ passed, failures }, { portable, tests }) {
  const output = failures.map((failure) => `not ok: ${failure}\n`).join("\n");
  const note = `${portable.length} of ${tests.length} files, those that need no server runtime`;
  return { status: 0, output, passed, failed: failures.length, note, noneFits: portable.length === 0 };
}

/** Shows what failed, and counts as the other runtimes do. */
export function countPortable({ passed, failures }, { portable, tests }) {
  for (const failure of failures) console.log(`not ok: ${failure}\n`);
  const note = ` (${portable.length} of ${tests.length} files: those that need no server runtime)`;
  console.log(`${passed} passed, ${failures.length} failed${note}`);
  return { status: 0, passed, failed: failures.length, note, noneFits: portable.length === 0 };
}

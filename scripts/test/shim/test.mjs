// The functions of node:test that the suite uses, for runtimes without that module. Tests run one after the other.
const tests = [];

export function test(name, ...rest) {
  const fn = rest.pop();
  tests.push({ name, fn, skip: rest[0]?.skip ?? false });
}

/** Runs all tests. Resolves with the number that passed and the errors of the others. */
export async function runTests() {
  let passed = 0;
  let skipped = 0;
  const failures = [];
  for (const { name, fn, skip } of tests) {
    if (skip) {
      skipped++;
      continue;
    }
    try {
      await fn();
      passed++;
    } catch (error) {
      failures.push(`${name}\n${error?.stack ?? error}`);
    }
  }
  return { passed, skipped, failures };
}

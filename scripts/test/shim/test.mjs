// Takes the place of node:test on every runtime, with the functions that the suite uses. node:test itself follows each promise of
// a test, which doubles the time on Node. Tests run one after the other.
const { setTimeout, clearTimeout, performance } = globalThis;

/** A test that takes longer hangs, even on a busy machine. */
const limitMs = 300_000;

/** The end of the titles of slow tests whose results depend on no runtime. */
const oneRuntime = " (on one runtime)";
/** Whether this runtime runs them. */
const isOneRuntime = globalThis.process?.env.TEST_ONE_RUNTIME === "true";

let registered = { tests: [], before: [], after: [] };

export function test(name, ...rest) {
  const fn = rest.pop();
  if (name.endsWith(oneRuntime) && !isOneRuntime) return;
  registered.tests.push({ name, fn, skip: rest[0]?.skip ?? false, limitMs: rest[0]?.timeout ?? limitMs });
}

/** Runs a function before the tests of the file. */
export const before = (fn) => void registered.before.push(fn);

/** Runs a function after the tests of the file. */
export const after = (fn) => void registered.after.push(fn);

/** The name of the test that runs, and the errors meanwhile that reached the process instead of the test. */
export const running = { name: "", stray: [] };

/**
 * Runs all tests that were registered since the last call. Resolves with the number that passed, the errors of the others, why
 * tests were skipped, and which ones took long.
 */
export async function runTests() {
  const { tests, before, after } = registered;
  registered = { tests: [], before: [], after: [] };
  const result = { passed: 0, skipped: [], slow: [], failures: [] };
  const attempt = async (name, fn, limitMs) => {
    running.name = name;
    running.stray = [];
    const started = performance.now();
    try {
      await withLimit(fn, limitMs);
      if (running.stray.length > 0) throw running.stray[0];
      return true;
    } catch (error) {
      result.failures.push(`${name}\n${error?.stack ?? error}`);
      return false;
    } finally {
      running.name = "";
      const seconds = (performance.now() - started) / 1000;
      if (seconds >= 1) result.slow.push(`${seconds.toFixed(1)} s: ${name}`);
    }
  };
  for (const fn of before) {
    if (!(await attempt("before the tests", fn, limitMs))) return result;
  }
  for (const { name, fn, skip, limitMs } of tests) {
    const skipped = [...(skip === false ? [] : [skip])];
    const context = {
      skip: (reason) => void skipped.push(reason),
      diagnostic: (message) => console.log(`${name}: ${message}`),
    };
    const passed = skipped.length === 0 && await attempt(name, () => fn(context), limitMs);
    if (skipped.length > 0) result.skipped.push(typeof skipped[0] === "string" ? `${name}: ${skipped[0]}` : name);
    else if (passed) result.passed++;
  }
  for (const fn of after) await attempt("after the tests", fn, limitMs);
  return result;
}

/** Runs a function, and rejects if it does not end within its limit. */
function withLimit(fn, limitMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not end within ${limitMs} ms`)), limitMs);
    Promise.resolve().then(fn).then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

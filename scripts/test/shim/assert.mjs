// The functions of node:assert/strict that the suite uses, for runtimes without that module.

class AssertionError extends Error {
  name = "AssertionError";
}

function fail(message = "failed") {
  throw message instanceof Error ? message : new AssertionError(message);
}

function assert(value, message = `${show(value)} is not truthy`) {
  if (!value) fail(message);
}

function show(value) {
  const text = JSON.stringify(
    value,
    (_, part) =>
      typeof part === "bigint"
        ? `${part}n`
        : part instanceof Map || part instanceof Set
        ? [...part]
        : typeof part === "number" && !Number.isFinite(part)
        ? String(part)
        : part,
  );
  return text === undefined ? String(value) : text.slice(0, 2000);
}

/** Compares strictly: prototypes, own enumerable properties, entries of Maps and Sets, bytes, and messages of errors. */
function same(a, b, seen = new Map()) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error && (a.message !== b.message || a.name !== b.name)) return false;
  if (a instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && same(value, b.get(key), seen));
  }
  if (a instanceof Set) {
    return a.size === b.size && [...a].every((item) => b.has(item) || [...b].some((other) => same(item, other)));
  }
  if (ArrayBuffer.isView(a) && a.length !== b.length) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || (Array.isArray(a) && a.length !== b.length)) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key], seen));
}

/** Fails unless an error is of a class, has these properties, matches an expression, or passes a function. */
function checkError(error, expected) {
  if (expected === undefined || typeof expected === "string") return;
  if (expected instanceof RegExp) return assert(expected.test(String(error)), `${error} does not match ${expected}`);
  if (typeof expected === "function") {
    const isClass = expected === Error || expected.prototype instanceof Error;
    return assert(isClass ? error instanceof expected : expected(error) === true, `${error} is not the expected error`);
  }
  for (const [key, value] of Object.entries(expected)) {
    const matches = value instanceof RegExp && typeof error[key] === "string"
      ? value.test(error[key])
      : same(error[key], value);
    assert(
      matches,
      `${key} of the error is ${show(error[key])}, expected ${value instanceof RegExp ? value : show(value)}`,
    );
  }
}

export default Object.assign(assert, {
  AssertionError,
  fail,
  ok: assert,
  equal(a, b, message = `${show(a)} is not ${show(b)}`) {
    if (!Object.is(a, b)) fail(message);
  },
  notEqual(a, b, message = `${show(a)} is ${show(b)}`) {
    if (Object.is(a, b)) fail(message);
  },
  deepEqual(a, b, message = `${show(a)}\nis not\n${show(b)}`) {
    if (!same(a, b)) fail(message);
  },
  notDeepEqual(a, b, message = `${show(a)} is ${show(b)}`) {
    if (same(a, b)) fail(message);
  },
  match(text, expression, message = `${show(text)} does not match ${expression}`) {
    if (!expression.test(text)) fail(message);
  },
  doesNotMatch(text, expression, message = `${show(text)} matches ${expression}`) {
    if (expression.test(text)) fail(message);
  },
  throws(fn, expected) {
    try {
      fn();
    } catch (error) {
      return checkError(error, expected);
    }
    fail("nothing was thrown");
  },
  doesNotThrow(fn) {
    fn();
  },
  async rejects(promise, expected) {
    try {
      await (typeof promise === "function" ? promise() : promise);
    } catch (error) {
      return checkError(error, expected);
    }
    fail("it did not reject");
  },
});

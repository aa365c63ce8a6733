// Starts Chromium, and drives its pages through the DevTools protocol.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

/** Starts Chromium without a window, with a profile of its own, and without connections to its vendor. */
export function startChromium(program, url, { args = [], stdio = "ignore" } = {}) {
  const profile = mkdtempSync(`${tmpdir()}/k6-remote-write-chromium-`);
  const child = spawn(program, [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
    ...args,
    url,
    // A process group of its own, so that all processes of the browser end together before their folder is removed.
  ], { stdio, detached: true });
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  return {
    child,
    ended,
    async stop() {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** A call of the browser that takes longer hangs. */
const limitMs = 20_000;

/**
 * Starts Chromium with a page that the caller drives. The protocol goes through a pipe, so that no port is open.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export async function openPage(program, url, { width = 1280, height = 900, dark = false, phone = false } = {}) {
  const browser = startChromium(program, "about:blank", {
    args: [
      "--remote-debugging-pipe",
      `--window-size=${width},${height}`,
      "--hide-scrollbars",
      "--force-color-profile=srgb",
    ],
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const [, , , input, output] = browser.child.stdio;
  const calls = new Map();
  const problems = [];
  let nextId = 1;
  let received = "";
  input.on("error", () => {});
  output.setEncoding("utf8").on("data", (text) => {
    received += text;
    for (let end = received.indexOf("\0"); end >= 0; end = received.indexOf("\0")) {
      const message = JSON.parse(received.slice(0, end));
      received = received.slice(end + 1);
      if (message.method === "Runtime.exceptionThrown") {
        problems.push(message.params.exceptionDetails.exception?.description ?? message.params.exceptionDetails.text);
      }
      if (message.method === "Log.entryAdded" && message.params.entry.level === "error") {
        problems.push(message.params.entry.text);
      }
      const call = calls.get(message.id);
      calls.delete(message.id);
      if (message.error) call?.reject(new Error(message.error.message));
      else call?.resolve(message.result);
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      const timer = setTimeout(() => reject(new Error(`${method} took more than ${limitMs} ms`)), limitMs);
      const settle = (done) => (value) => {
        clearTimeout(timer);
        done(value);
      };
      calls.set(id, { resolve: settle(resolve), reject: settle(reject) });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  const { targetInfos } = await send("Target.getTargets");
  const { targetId } = targetInfos.find(({ type }) => type === "page");
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  for (const domain of ["Page", "Runtime", "Log"]) await call(`${domain}.enable`);
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: phone });
  await call("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
  });
  const page = {
    /** Opens another address, and forgets the problems before. */
    async open(address) {
      problems.length = 0;
      await call("Page.navigate", { url: address });
    },
    /** What went wrong in the page: exceptions, and messages of the browser such as violations of a policy. */
    problems,
    call,
    /** Evaluates an expression, also an async one, and returns its value. */
    async evaluate(expression) {
      const { result, exceptionDetails } = await call("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    /** Waits until an expression is true. */
    async until(expression, timeoutMs = 15_000) {
      const end = Date.now() + timeoutMs;
      while (!(await page.evaluate(`Boolean(${expression})`))) {
        if (Date.now() > end) {
          throw new Error(`The page did not get to: ${expression}; problems: ${problems.join("; ")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    /** Presses a key. */
    async press(key) {
      for (const type of ["keyDown", "keyUp"]) await call("Input.dispatchKeyEvent", { type, key, code: key });
    },
    /** Returns a picture as PNG: of the window, or of the whole page. */
    async screenshot({ whole = false } = {}) {
      const { data } = await call("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
      return Buffer.from(data, "base64");
    },
    stop: () => browser.stop(),
  };
  await page.open(url);
  return page;
}

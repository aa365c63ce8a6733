/**
 * Opens a page in the user's browser.
 *
 * @module
 */
import { builtin } from "../runtime.ts";

/** The programs that open a URL, by platform. Without an entry, it is that of the desktop (freedesktop.org). */
const openers: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens a URL. Resolves with false if there is no program for it. */
export function openBrowser(url: string): Promise<boolean> {
  const [program, ...args] = openers[builtin("node:os").platform()] ?? ["xdg-open"];
  return new Promise((resolve) => {
    const child = builtin("node:child_process").spawn(program, [...args, url], { stdio: "ignore", detached: true });
    child.on("error", () => resolve(false));
    child.on("spawn", () => resolve(true));
    child.unref();
  });
}

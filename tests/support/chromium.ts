/** Starts Chromium as scripts/test/start_chromium.mjs does. */
import { pathToFileURL } from "node:url";

interface Browser {
  /** Ends it, and removes its profile. */
  stop(): Promise<void>;
}

// By a computed path, as this file may run compiled, from another folder.
const script: { startChromium(program: string, url: string): Browser } = await import(
  pathToFileURL("scripts/test/start_chromium.mjs").href
);

/** Starts a headless Chromium that opens a page. */
export function startChromium(program: string, url: string): Browser {
  return script.startChromium(program, url);
}

/** The programs that tests start, as scripts/setup.mjs finds them; the path is absolute. */
import { pathToFileURL } from "node:url";

interface Programs {
  readonly node: string;
  readonly deno: string;
  readonly bun: string;
  readonly tsc: string;
  readonly workerd: string;
  readonly chromium: string;
}

// By a computed path, as this file may run compiled, from another folder.
const setup: { readonly programs: Programs } = await import(pathToFileURL("scripts/setup.mjs").href);

export const programs: Programs = setup.programs;

// `npm run build`: dist/ anew, as the npm package holds it.
import { rmSync } from "node:fs";
import { build, root } from "./setup.mjs";

rmSync(`${root}/dist`, { recursive: true, force: true });
build();

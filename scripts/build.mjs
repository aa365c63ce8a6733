// `npm run build`: builds dist/ from scratch, as the npm package contains it.
import { rmSync } from "node:fs";
import { writeManPage } from "./man_page.mjs";
import { build, root } from "./setup.mjs";

rmSync(`${root}/dist`, { recursive: true, force: true });
build();
await writeManPage();

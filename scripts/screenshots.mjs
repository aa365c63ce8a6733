// `node scripts/screenshots.mjs`: makes the pictures of the live page in docs/images/ from a report of a simulated run, in Chromium.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, install, programs, root } from "./setup.mjs";
import { simulatedRun } from "./simulated_run.mjs";
import { openPage } from "./test/start_chromium.mjs";

install();
build();

/** The README should load fast. */
const maxBytes = 250_000;
const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-screenshots-"));
try {
  const recording = join(folder, "shop.js.json");
  writeFileSync(recording, simulatedRun());
  const report = join(folder, "report.html");
  const args = [`${root}/dist/src/cli/main.js`, "send", recording, "--report", report, "--quiet"];
  const { status } = spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, TZ: "UTC" },
  });
  if (status !== 0) throw new Error(`The report could not be made: exit code ${status}`);
  mkdirSync(`${root}/docs/images`, { recursive: true });
  // The title and the status name the temporary folder and today.
  const tidy = `document.getElementById("title").textContent = "shop.js";
    document.getElementById("status").textContent = "■ Report of 2026-11-23 09:31:30";`;
  const slowest = `document.querySelector("tr .choose").click()`;
  const pictures = [
    ["page-light.png", { dark: false, height: 1330 }, tidy],
    ["page-dark.png", { dark: true, height: 900 }, `${slowest}; ${tidy}`],
  ];
  process.env.TZ = "UTC";
  for (const [name, options, script] of pictures) {
    const page = await openPage(programs.chromium, pathToFileURL(report).href, {
      width: 1180,
      ...options,
      height: 2400,
    });
    try {
      await page.until('document.querySelectorAll(".table tbody tr").length > 8');
      await page.evaluate(script);
      await page.call("Emulation.setDeviceMetricsOverride", {
        width: 1180,
        height: options.height,
        deviceScaleFactor: 1,
        mobile: false,
      });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await page.evaluate(tidy);
      if (page.problems.length > 0) throw new Error(page.problems.join("\n"));
      const path = `${root}/docs/images/${name}`;
      writeFileSync(path, await page.screenshot());
      const { size } = statSync(path);
      console.log(`docs/images/${name}: ${size} bytes`);
      if (size > maxBytes) throw new Error(`${name} is larger than ${maxBytes} bytes`);
    } finally {
      await page.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// Adds the optional platform packages to package-lock.json that npm omits if its registry lacks them. Without these entries,
// `npm ci` rejects the lock file. Run this script after `npm install` has changed the lock file.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32", "windows"];
const cpus = { aarch64: "arm64", arm64: "arm64", armv7: "arm", arm: "arm", x64: "x64", "64": "x64" };
const nodeSystems = { windows: "win32" };

for (const { optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const words = name.split(/[/-]/);
    const os = systems.find((system) => words.includes(system));
    const cpu = Object.entries(cpus).find(([word]) => words.includes(word))?.[1];
    if (os === undefined || cpu === undefined) throw new Error(`Cannot complete the lock: ${name} names no platform`);
    lock.packages[key] = { version, cpu: [cpu], dev: true, optional: true, os: [nodeSystems[os] ?? os] };
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`);

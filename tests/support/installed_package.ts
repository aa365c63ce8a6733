/** The package as npm would publish it, installed from its tarball into an empty project. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { runChild } from "./child.ts";

export interface InstalledPackage {
  /** The project's folder, with a package.json and node_modules. */
  readonly folder: string;
  /** The path of the package's tarball, which was installed. */
  readonly tarball: string;
  /** What is in the tarball. */
  readonly files: readonly { readonly path: string; readonly mode: number }[];
  /** Writes a file into the project. */
  write(name: string, text: string): void;
  remove(): void;
}

/**
 * Packs what is built in dist/, and installs it without a network: its dependencies come from node_modules. The runner of the
 * suite does this once; the tests get a folder of their own that links to the installed packages.
 */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  const { TEST_PACKAGE: installed } = process.env;
  if (installed === undefined) await installInto(folder);
  else linkInto(folder, installed);
  const [{ filename, files }] = JSON.parse(readFileSync(`${folder}/pack.json`, "utf8"));
  return {
    folder,
    tarball: `${folder}/${filename}`,
    files,
    write: (name, text) => writeFileSync(`${folder}/${name}`, text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Makes a folder like the one that is installed, whose packages are links: to copy their files takes a second. */
function linkInto(folder: string, installed: string): void {
  for (const name of readdirSync(installed)) {
    if (name !== "node_modules") cpSync(`${installed}/${name}`, `${folder}/${name}`);
  }
  mkdirSync(`${folder}/node_modules`);
  for (const name of readdirSync(`${installed}/node_modules`)) {
    const [from, to] = [`${installed}/node_modules/${name}`, `${folder}/node_modules/${name}`];
    if (name === ".bin") cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    else if (name.startsWith("@")) {
      mkdirSync(to);
      for (const scoped of readdirSync(from)) symlinkSync(`${from}/${scoped}`, `${to}/${scoped}`);
    } else symlinkSync(from, to);
  }
}

async function installInto(folder: string): Promise<void> {
  // dist/ is built, and may be in use.
  const pack = await npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder]);
  writeFileSync(`${folder}/pack.json`, pack);
  const [{ filename }] = JSON.parse(pack);
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const local = Object.keys(dependencies).map((name) => [name, `file:${resolve("node_modules", name)}`]);
  const manifest = {
    name: "empty-project",
    private: true,
    type: "module",
    dependencies: { "k6-remote-write": `file:${filename}`, ...Object.fromEntries(local) },
  };
  writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
  await npm(["install", "--offline", "--install-links", "--ignore-scripts", "--no-package-lock"], folder);
}

async function npm(args: readonly string[], cwd?: string): Promise<string> {
  const { status, stdout, output } = await runChild(["npm", ...args], { cwd });
  if (status !== 0) throw new Error(`npm ${args[0]} ended with ${status}: ${output}`);
  return stdout;
}

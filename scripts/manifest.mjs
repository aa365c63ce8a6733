// `node scripts/manifest.mjs ADDRESS [TAG]`: prepares this folder for publishing. It writes the repository's address into
// package.json, and turns the relative links of README.md into links to the repository, because the README is also shown where the
// other files are not. The publishing workflow passes the address at which it runs, so that no file has to state it. With a TAG,
// it checks that the tag names the version.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Returns package.json with the address of the repository. npm's provenance requires that it is the one of the workflow. */
export function addressed(manifest, address) {
  const { license, ...rest } = manifest;
  return {
    ...rest,
    license,
    homepage: `${address}#readme`,
    bugs: `${address}/issues`,
    repository: { type: "git", url: `git+${address}.git` },
  };
}

/** Returns Markdown whose links and pictures lead to the files of the repository at `tag`. Code stays as it is. */
export function absoluteLinks(markdown, { address, tag }) {
  return mapLinks(markdown, (path, isImage) => `${address}/${isImage ? "raw" : "blob"}/${tag}/${path}`);
}

/** Returns the paths to which the relative links of Markdown lead, without their fragments. */
export function relativeLinks(markdown) {
  const paths = [];
  mapLinks(markdown, (path) => {
    paths.push(path.split("#")[0]);
    return path;
  });
  return paths;
}

/** Replaces each relative link: those of Markdown, of its references and of HTML. */
function mapLinks(markdown, replace) {
  const isRelative = (link) => !/^(?:[a-z][a-z0-9+.-]*:|#|\/)/i.test(link);
  const each = (whole, before, link) => {
    if (!isRelative(link)) return whole;
    const isImage = before.startsWith("!") || /src=$/i.test(before.slice(0, -1));
    return `${before}${replace(link.replace(/^\.\//, ""), isImage)}`;
  };
  // Every second part is code: a block, or within a line.
  return markdown.split(/(^```[\s\S]*?^```|`[^`\n]*`)/m).map((part, index) =>
    index % 2 === 1 ? part : part
      .replaceAll(/(!\[[^\]]*\]\()([^)\s]+)/g, each)
      .replaceAll(/(\]\()([^)\s]+)/g, each)
      .replaceAll(/^(\[[^\]]+\]:\s*)(\S+)/gm, each)
      .replaceAll(/(\b(?:src|href)=")([^"]+)/gi, each)
  ).join("");
}

function main([given = "", tag]) {
  const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const manifest = JSON.parse(readFileSync(path("package.json"), "utf8"));
  const expected = `v${manifest.version}`;
  if (!/^https:\/\/[^/\s]+\/[^/\s]+\/[^/\s]+$/.test(given)) {
    return `the address is "${given}", expected one such as https://HOST/OWNER/REPOSITORY`;
  }
  if (tag !== undefined && tag !== expected) return `the tag is "${tag}", expected ${expected}, as package.json says`;
  writeFileSync(path("package.json"), `${JSON.stringify(addressed(manifest, given), undefined, 2)}\n`);
  const readme = readFileSync(path("README.md"), "utf8");
  writeFileSync(path("README.md"), absoluteLinks(readme, { address: given, tag: expected }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = main(process.argv.slice(2));
  if (problem !== undefined) {
    console.error(`Cannot prepare the manifest: ${problem}`);
    process.exitCode = 1;
  }
}

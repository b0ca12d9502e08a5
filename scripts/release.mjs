/**
 * `npm run release`: what would be published, in release/: the package, its SBOM (CycloneDX) and SHA-256 checksums of both. Publishes
 * nothing: `npm publish --dry-run` has the last word. In GitHub Actions, publish the same file with `npm publish FILE --provenance`.
 * Ends with 1 where the work tree has changes that no commit has, or CHANGELOG.md has no section of this version.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = "release";
const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));

/** The output of a command; what it says about its progress goes to stderr as it comes. */
const run = (command, ...args) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

function stop(reason) {
  process.stderr.write(`release: ${reason}\n`);
  process.exit(1);
}

if (run("git", "status", "--porcelain") !== "") stop("the work tree has changes; commit them first");
if (!readFileSync("CHANGELOG.md", "utf8").includes(`## [${version}]`))
  stop(`CHANGELOG.md has no section "## [${version}]"; move what is under "Unreleased" there`);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
run("npm", "run", "build");
const [{ filename }] = JSON.parse(run("npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder));
const sbom = `${name}-${version}.cdx.json`;
copyFileSync("dist/sbom.cdx.json", join(folder, sbom));

const checksum = (file) =>
  createHash("sha256")
    .update(readFileSync(join(folder, file)))
    .digest("hex");
const files = [filename, sbom];
writeFileSync(join(folder, "SHA256SUMS"), files.map((file) => `${checksum(file)}  ${file}\n`).join(""));

// With `./`, because npm takes `a/b` for a repository on GitHub.
run("npm", "publish", `./${join(folder, filename)}`, "--dry-run", "--ignore-scripts");
for (const file of [...files, "SHA256SUMS"]) process.stdout.write(`${join(folder, file)}\n`);

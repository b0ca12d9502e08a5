/**
 * `npm run release`: writes to release/ what would be published: the package, its SBOM (CycloneDX) and SHA-256 checksums of both. Publishes
 * nothing: the last step is `npm publish --dry-run`. In GitHub Actions, publish the same file with `npm publish FILE --provenance`.
 * Exits with 1 if the work tree has uncommitted changes, or if CHANGELOG.md has no section for this version.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = "release";
const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));

/** Returns the output of a command. Its progress messages go to stderr at once. */
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

// The path begins with `./`, because npm takes `a/b` for a repository on GitHub.
run("npm", "publish", `./${join(folder, filename)}`, "--dry-run", "--ignore-scripts");
for (const file of [...files, "SHA256SUMS"]) process.stdout.write(`${join(folder, file)}\n`);

/**
 * Documents the third-party code in the package. `dist/THIRD-PARTY-LICENSES` has the licences. `dist/sbom.cdx.json` lists the packages in
 * CycloneDX 1.6 with their hashes from package-lock.json.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const own = JSON.parse(readFileSync("package.json", "utf8"));

/** Returns the folders of the packages that contain these modules. */
export function foldersOf(moduleIds) {
  const folders = moduleIds.map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replaceAll("\\", "/"))?.[0]);
  return [...new Set(folders.filter(Boolean))].sort();
}

/** Writes both files. Throws if a package has no licence text, or if package-lock.json has no hash of it. */
export function writeThirdParty(folders, dist) {
  const packages = folders.map(packageAt);
  const texts = packages.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}`);
  writeFileSync(join(dist, "THIRD-PARTY-LICENSES"), `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
  writeFileSync(join(dist, "sbom.cdx.json"), `${JSON.stringify(sbomOf(packages), null, 2)}\n`);
}

function packageAt(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const integrity = lock.packages[relative(process.cwd(), folder).replaceAll("\\", "/")]?.integrity;
  if (!integrity) throw new Error(`package-lock.json has no hash of ${name} ${version}, which is bundled`);
  return { name, version, license, integrity, text: licenceText(folder, name) };
}

function licenceText(folder, name) {
  const files = readdirSync(folder);
  const texts = files.filter((file) => /^(licen[sc]e|notice|copying)/i.test(file)).sort();
  if (texts.length > 0) return texts.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n");
  // Some packages have their licence only at the end of their README.
  const readme = files.find((file) => /^readme\.md$/i.test(file));
  const [, section] =
    /^#+ licen[sc]e\s*\n([\s\S]+)$/im.exec(readme ? readFileSync(join(folder, readme), "utf8") : "") ?? [];
  if (!section) throw new Error(`${name} is bundled and has no text of its licence`);
  return section.trim();
}

function sbomOf(packages) {
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", ...identity(own), licenses: [licence(own.license)] } },
    components: packages.map(({ name, version, license, integrity }) => ({
      type: "library",
      ...identity({ name, version }),
      licenses: [licence(license)],
      hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") }],
    })),
  };
}

function identity({ name, version }) {
  const [last = "", scope] = name.split("/").reverse();
  const purl = `pkg:npm/${scope ? `${encodeURIComponent(scope)}/` : ""}${last}@${version}`;
  return { "bom-ref": purl, ...(scope && { group: scope }), name: last, version, purl };
}

/** Returns the licence in CycloneDX's form: an SPDX identifier, or an expression of several. */
function licence(license) {
  return / (?:AND|OR|WITH) /.test(license) ? { expression: license } : { license: { id: license } };
}

/** Throws if a file in the folder differs from its recorded hash, has no recorded hash, or is missing. */
export function requireHashes(folder, record) {
  const recorded = new Map(
    readFileSync(record, "utf8")
      .trim()
      .split("\n")
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  for (const file of new Set([...recorded.keys(), ...found])) {
    const hash = found.includes(file)
      ? createHash("sha256")
          .update(readFileSync(join(folder, file)))
          .digest("hex")
      : "none";
    if (hash !== recorded.get(file)) {
      throw new Error(`${file}: SHA-256 ${hash}, expected ${recorded.get(file) ?? "no such file"} (${record})`);
    }
  }
}

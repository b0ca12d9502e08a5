/** What tsc leaves behind: files that the compiled code reads, and the program that the conformance suites run. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

const assets = ["config/config.schema.json", "frontends/script/session.schema.json", "llm/prices.json"];
for (const file of assets) copyFileSync(`src/${file}`, `dist/${file}`);
chmodSync("dist/main.js", 0o755);

const { outputText } = ts.transpileModule(readFileSync("scripts/conformance-client.ts", "utf8"), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
mkdirSync("dist/scripts", { recursive: true });
writeFileSync("dist/scripts/conformance-client.js", outputText.replaceAll('"../src/', '"../'));

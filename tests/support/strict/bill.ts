import type { InputTokens } from "./prefix-cache.js";

/** Dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  /** 0.1 of `input` where it is left out. */
  cacheRead?: number;
  /** 1.25 of `input` where it is left out; a vendor that writes for nothing reports no written tokens. */
  cacheWrite?: number;
  /** Twice `input` where it is left out. */
  cacheWrite1h?: number;
}

/** What one accepted request cost. */
export interface Hop extends InputTokens {
  model: string;
  account: string;
  /** Tokens that were written although an earlier request had written the same prefix, which still lived. */
  writtenTwice: number;
  /** All output, reasoning included; 0 where the answer was broken off, because the client was not told. */
  output: number;
  reasoning: number;
  isWhole: boolean;
  /** Ids of reasoning that was given out with an answer which is in the request but was not sent back. */
  lostReasoning: string[];
  /** What the vendor takes, but its documentation warns of. */
  warnings: string[];
}

export interface Bill {
  hops: number;
  read: number;
  written: number;
  written1h: number;
  fresh: number;
  output: number;
  /** Read tokens as a share of the tokens that an earlier request had too; 1 where nothing was repeated. */
  readShare: number;
  /** Indexes of the hops that wrote what an earlier one had written. */
  writtenTwice: number[];
  /** Indexes of the hops whose request does not begin with the whole request of the hop before. */
  prefixBroken: number[];
  dollars: number;
}

/** Adds up what hops cost at a price. */
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

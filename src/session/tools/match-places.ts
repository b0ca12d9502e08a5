import { withinTime } from "../../core/async/within-time.js";

/** A search of one piece of a text. */
export interface MatchQuestion {
  text: string;
  pattern: string;
  /** Only matches that begin before this character count. */
  limit: number;
  /** Number of matches after which the search ends. */
  most: number;
}

/** Time limit for the search of one piece, in ms. Without a limit, a pattern that backtracks for ever would never end. */
const longestMs = 250;
/** Longest line that is returned whole, in characters. A longer line is cut to the part around the match. */
export const longestLine = 300;

/**
 * Returns the characters at which matches begin. Only the first match of each line counts. Returns undefined if the search takes too long. An
 * invalid regular expression is taken as plain text.
 */
export function placesOf({ text, pattern, limit, most }: MatchQuestion): number[] | undefined {
  const expression = compile(pattern);
  return withinTime(longestMs, () => {
    const places: number[] = [];
    while (places.length < most) {
      const match = expression.exec(text);
      if (!match || match.index >= limit) break;
      places.push(match.index);
      expression.lastIndex = Math.max(afterLine(text, match.index), match.index + 1);
    }
    return places;
  })?.result;
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "gm");
  } catch {
    return new RegExp(pattern.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gm");
  }
}

/** Returns where the line ends that the place is in, but at most `longestLine` characters later. */
export function afterLine(text: string, place: number): number {
  const newline = text.slice(place, place + longestLine).indexOf("\n");
  return newline < 0 ? Math.min(text.length, place + longestLine) : place + newline + 1;
}

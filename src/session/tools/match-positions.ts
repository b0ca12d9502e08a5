import { withinTime } from "../../core/async/within-time.js";

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
export function matchPositions({ text, pattern, limit, most }: MatchQuestion): number[] | undefined {
  const expression = compile(pattern);
  return withinTime(longestMs, () => {
    const positions: number[] = [];
    while (positions.length < most) {
      const match = expression.exec(text);
      if (!match || match.index >= limit) break;
      positions.push(match.index);
      expression.lastIndex = Math.max(afterLine(text, match.index), match.index + 1);
    }
    return positions;
  })?.result;
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "gm");
  } catch {
    return new RegExp(pattern.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gm");
  }
}

/** Returns where the line ends that the position is in, but at most `longestLine` characters later. */
export function afterLine(text: string, position: number): number {
  const newline = text.slice(position, position + longestLine).indexOf("\n");
  return newline < 0 ? Math.min(text.length, position + longestLine) : position + newline + 1;
}

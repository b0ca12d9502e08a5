/** The longest timer that Node supports: 24.8 days, in ms. A longer one would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Node's longest timer, 24.8 days: a longer one would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;

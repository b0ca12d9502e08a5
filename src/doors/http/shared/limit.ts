import { ApiError } from "./api-errors.js";

/**
 * Maximum number of items in one answer. A log may have 100,000 conversations, and writing all of them as JSON would block the event loop.
 */
const most = 1000;

export const limitWords = `1 to ${most}; default: ${most}`;

/** Reads the query parameter `limit`. Throws ApiError if it is invalid. */
export function limitIn(text = String(most)): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw new ApiError(400, "invalid_limit", `a limit is a whole number from 1 to ${most}`, "limit");
}

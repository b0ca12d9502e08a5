import { parseDuration } from "../../../core/text/durations.js";
import { usageJson } from "../../../session/commands/usage-text.js";
import { type UsageKey, usageKeys, usageReport } from "../../../session/conversations/usage-report.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { limitIn, limitText } from "./list-page.js";

const defaultSince = "30d";

export function usageRoutes({ sessions, now }: DoorParts): ApiRoute[] {
  return [
    {
      method: "GET",
      path: "/api/usage",
      summary: "Tokens, cost and tool time, over all conversations",
      query: {
        by: `what each line is for: ${usageKeys.join(", ")}; default: day`,
        since: `a time ago, as 7d; default: ${defaultSince}`,
        limit: `at most this many lines, ${limitText}; rest is the sum of the others`,
      },
      async run({ query }) {
        const by = query("by") ?? "day";
        if (!isKey(by)) throw new ApiError(400, "invalid_key", `by is one of ${usageKeys.join(", ")}`, "by");
        const agoMs = parseDuration(query("since") ?? defaultSince);
        if (agoMs === undefined) throw new ApiError(400, "invalid_time", "since is a time ago, as 7d or 12h", "since");
        const until = now();
        const period = { since: Math.max(0, until - agoMs), until };
        const limit = limitIn(query("limit"));
        const report = await usageReport(sessions.conversations.usage, by, period, limit);
        return new Response(usageJson(report), { headers: { "content-type": "application/json" } });
      },
    },
  ];
}

function isKey(by: string): by is UsageKey {
  return (usageKeys as readonly string[]).includes(by);
}

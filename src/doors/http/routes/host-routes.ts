/** Routes for what the host has, what it has used, and how it is: tools, usage, metrics, health. */
import { messageOf } from "../../../core/errors.js";
import { parseDuration } from "../../../core/text/durations.js";
import { usageJson } from "../../../session/commands/usage-text.js";
import { type UsageKey, usageKeys, usageReport, withTitles } from "../../../session/conversations/usage-report.js";
import { toolsJson } from "../../protocol/host-lists.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { toolList } from "../shared/api-schemas.js";
import { limitIn, limitText } from "./list-page.js";

/** Time that /readyz waits for servers that are still starting, in ms. */
const readyWithinMs = 50;
/** Time that /readyz waits for the event log, in ms. The timeout of a probe should be longer than this. */
const logWithinMs = 1_500;

/**
 * Returns the routes. The answer to a call of /readyz says why turns cannot begin, but only if `isAuthorized` returns true for the call.
 */
export function hostRoutes(parts: DoorParts, isAuthorized: (call: Pick<ApiCall, "header">) => boolean): ApiRoute[] {
  const { hub, scrape } = parts;
  const whyNot = shared(() => whyNotReady(parts));
  return [
    ...(scrape ? [metricsRoute(scrape)] : []),
    {
      method: "GET",
      path: "/api/tools",
      summary: "The tools that the model can use",
      answer: { type: "application/json", schema: toolList },
      run: () => Response.json(toolsJson(hub.tools())),
    },
    usageRoute(parts),
    {
      method: "GET",
      path: "/healthz",
      summary: "The process answers",
      run: () => Response.json({ status: "ok" }),
    },
    {
      method: "GET",
      path: "/readyz",
      summary:
        "Turns can begin: no required server is down, the event log can be read and written, and the host is not about to end",
      async run(call) {
        const reason = await whyNot();
        if (!reason) return Response.json({ status: "ready" });
        const body = { status: "not ready", ...(isAuthorized(call) && { reason }) };
        return Response.json(body, { status: 503, headers: { "retry-after": "1" } });
      },
    },
  ];
}

const defaultSince = "30d";

function usageRoute({ sessions, now }: DoorParts): ApiRoute {
  return {
    method: "GET",
    path: "/api/usage",
    summary: "Tokens, cost and tool time, over all conversations; by conversation with titles",
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
      const titled = await withTitles(report, sessions.conversations);
      return new Response(usageJson(titled), { headers: { "content-type": "application/json" } });
    },
  };
}

function isKey(by: string): by is UsageKey {
  return (usageKeys as readonly string[]).includes(by);
}

/** Returns the route for Prometheus. Prometheus sends the token if its setting `authorization` contains the token. */
function metricsRoute(scrape: NonNullable<DoorParts["scrape"]>): ApiRoute {
  return {
    method: "GET",
    path: "/metrics",
    summary: "The measurements, in the text format of Prometheus",
    async run() {
      const { contentType, text } = await scrape();
      return new Response(text, { headers: { "content-type": contentType } });
    },
  };
}

async function whyNotReady(parts: DoorParts): Promise<string | undefined> {
  const { sessions } = parts;
  if (sessions.isDraining) return "the host is shutting down";
  return (await unsettled(parts)) ?? (await sessions.logProblem(logWithinMs));
}

/** Makes concurrent calls share one look-up. Probes have no rate limit, so at most one look-up may run at a time. */
function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let looking: Promise<T> | undefined;
  return () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
}

const starting = "servers are starting";

async function unsettled({ hub }: DoorParts): Promise<string | undefined> {
  const late = AbortSignal.timeout(readyWithinMs);
  try {
    await hub.settled(late);
    return late.aborted ? starting : undefined;
  } catch (error) {
    return late.aborted ? starting : messageOf(error);
  }
}

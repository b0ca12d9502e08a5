import type { Context, Next } from "hono";
import type { NewId } from "../../../core/ids.js";
import { answerProblem } from "../shared/answer-problem.js";
import type { HonoServer } from "../shared/api.js";
import type { Connections } from "./connections.js";
import type { Gate } from "./gate.js";

/**
 * Returns middleware that runs the gate before every route. It also adds the CORS headers, so that a page of an allowed origin can read the
 * answer.
 */
export function admitBy(gate: Gate, connections: Connections, newId: NewId): Parameters<HonoServer["use"]>[1] {
  return async (context: Context, next: Next) => {
    const { incoming } = context.env;
    const header = (name: string) => context.req.header(name);
    const visit = {
      method: context.req.method,
      url: incoming.url ?? "/",
      header,
      ...connections.visit(incoming.socket),
    };
    const refusal = gate.check(visit);
    const origin = header("origin");
    if (refusal) {
      // Without the header, a page of an allowed origin would see a network error instead of the status.
      const mayRead = origin !== undefined && refusal.status !== 403 && gate.allowsOrigin(origin, header("host"));
      const headers = { ...refusal.headers, ...(mayRead && { "access-control-allow-origin": origin, vary: "origin" }) };
      return answerProblem({ problem: refusal, headers, path: context.req.path, header, newId });
    }
    if (origin === undefined) return next();
    if (context.req.method === "OPTIONS") return new Response(null, { status: 204, headers: preflight(origin) });
    await next();
    context.res.headers.set("access-control-allow-origin", origin);
    context.res.headers.set(
      "access-control-expose-headers",
      "x-conversation-id, x-request-id, request-id, x-mcp-ignored-tools, mcp-session-id",
    );
    context.res.headers.append("vary", "origin");
    return undefined;
  };
}

function preflight(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "*, authorization",
    "access-control-max-age": "600",
    vary: "origin",
  };
}

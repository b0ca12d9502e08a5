import type { NewId } from "../../../core/ids.js";
import { anthropicError, isAnthropicCall } from "./anthropic-errors.js";
import { errorBody, type ProblemDetails } from "./api-errors.js";

export interface Refused {
  problem: ProblemDetails;
  headers?: Record<string, string>;
  path: string;
  header(name: string): string | undefined;
  newId: NewId;
}

/** Answers a refused or failed request with an error in the format of the API that was called. */
export function answerProblem({ problem, headers, path, header, newId }: Refused): Response {
  if (!isAnthropicCall(path, header)) return Response.json(errorBody(problem), { status: problem.status, headers });
  const requestId = newId("req");
  const { status, body } = anthropicError(problem, requestId);
  return Response.json(body, { status, headers: { ...headers, "request-id": requestId } });
}

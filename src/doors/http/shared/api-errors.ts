export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param?: string,
    /** Fields that clients of Anthropic's API read in addition to the type of the error. */
    readonly details?: { error_code: string; [field: string]: unknown },
  ) {
    super(message);
  }
}

export interface ErrorBody {
  error: { message: string; type: string; code: string; param: string | null };
}

/** Error of a request that was refused or that failed, with a code of OpenAI's API. */
export interface ProblemDetails {
  status: number;
  code: string;
  message: string;
  /** Name of the invalid field of the request. */
  param?: string | undefined;
  details?: object | undefined;
}

export function errorBody({ status, code, message, param }: ProblemDetails): ErrorBody {
  return { error: { message, type: typeOf(status, code), code, param: param ?? null } };
}

function typeOf(status: number, code: string): string {
  if (code === "insufficient_quota") return code;
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

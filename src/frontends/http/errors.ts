/** A request that is wrong as it is, in the API's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param?: string,
    /** What clients of Anthropic's API go by, beside the type. */
    readonly details?: { error_code: string; [field: string]: unknown },
  ) {
    super(message);
  }
}

export interface ErrorBody {
  error: { message: string; type: string; code: string; param: string | null };
}

/** A request that was refused or has failed, in the codes of OpenAI's API. */
export interface Problem {
  status: number;
  code: string;
  message: string;
  /** The field of the request that is wrong. */
  param?: string | undefined;
  details?: object | undefined;
}

/** The shape of OpenAI's API, which its clients read. */
export function errorBody({ status, code, message, param }: Problem): ErrorBody {
  return { error: { message, type: typeOf(status, code), code, param: param ?? null } };
}

function typeOf(status: number, code: string): string {
  if (code === "insufficient_quota") return code;
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

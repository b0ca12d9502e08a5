/** A server's refusal of a request, by HTTP. */
export class HttpError extends Error {
  constructor(
    /** -1 where the status was fine, and the answer was not. */
    readonly status: number,
    message: string,
    /** The body, which may repeat a header of ours. */
    readonly text = "",
  ) {
    super(`Streamable HTTP error: ${message}`);
  }
}

/** 404 to a POST of before 2026-07-28: there is no such session, or not any more. */
export class SessionLost extends HttpError {}

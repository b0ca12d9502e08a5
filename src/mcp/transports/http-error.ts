export class HttpError extends Error {
  constructor(
    /** -1 if the status was fine but the answer was not. */
    readonly status: number,
    message: string,
    /** The body, which may repeat a header of ours. */
    readonly text = "",
  ) {
    super(`Streamable HTTP error: ${message}`);
  }
}

/** 404 to a POST of before 2026-07-28: the session does not exist, or no longer. */
export class SessionLost extends HttpError {}

export class HttpError extends Error {
  constructor(
    /** The HTTP status; -1 if the status was a success but the answer was unusable. */
    readonly status: number,
    message: string,
    /** The body of the answer. It may repeat a header that this host sent. */
    readonly text = "",
  ) {
    super(`Streamable HTTP error: ${message}`);
  }
}

/** Status 404 as the answer to a POST of a protocol before 2026-07-28: the session does not exist, or does not exist any more. */
export class SessionLost extends HttpError {}

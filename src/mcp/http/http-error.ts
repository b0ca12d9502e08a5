export class HttpError extends Error {
  constructor(
    /** The HTTP status. It is -1 if the status meant success but the answer was unusable. */
    readonly status: number,
    message: string,
    /** The body of the answer. It may quote a header that this host sent, and so contain a secret. */
    readonly text = "",
  ) {
    super(`Streamable HTTP error: ${message}`);
  }
}

/** The stream of the server's notifications has ended, and could not be opened again. */
export class NotificationsLost extends Error {}

/** Status 404 in answer to a POST, in a protocol before 2026-07-28. It means that the session does not exist, or no longer exists. */
export class SessionLost extends HttpError {
  constructor(
    message: string,
    text: string,
    /** Method of the message that was answered with 404. Undefined if the message was an answer of this host. */
    readonly method: string | undefined,
  ) {
    super(404, message, text);
  }
}

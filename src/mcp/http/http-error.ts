import { Unreachable } from "./http-request.js";

/** The status of an HttpError if the HTTP status meant success but the answer was unusable. */
export const unusable = -1;

export class HttpError extends Error {
  constructor(
    /** The HTTP status, or `unusable`. */
    readonly status: number,
    message: string,
    /** The body of the answer. It may quote a header that this host sent, and so contain a secret. */
    readonly text = "",
  ) {
    super(message);
  }
}

/** The server's address has refused the connection for a POST, so that the message was not sent. */
export class NotSent extends Unreachable {
  constructor(
    cause: NodeJS.ErrnoException,
    readonly method: string,
  ) {
    super(cause);
  }
}

/** The stream of the server's notifications has ended, and could not be opened again. */
export class NotificationsLost extends Error {}

/**
 * The server has answered a POST, in a protocol before 2026-07-28, by saying that the session does not exist, or no longer exists: with status 404, or
 * with 400 and these words.
 */
export class SessionLost extends HttpError {
  constructor(
    message: string,
    text: string,
    /** Method of the message that was refused. Undefined if the message was an answer of this host. */
    readonly method: string | undefined,
  ) {
    super(404, message, text);
  }
}

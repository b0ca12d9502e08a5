import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ArrivingMessage, ArrivingMessages } from "../../core/async/arriving-messages.js";
import { waitText } from "../../core/text/durations.js";
import { closeSoon } from "./outbox.js";

/** Number of bytes of a control frame (ping, pong) of a client without its content. */
const controlFrameBytes = 6;

interface InboxLimits {
  uploads: ArrivingMessages;
  /** Time in which a message must arrive, in ms. It begins with the first byte of the message. */
  messageMs: number;
}

/**
 * Limits the message that a WebSocket is receiving. `ws` keeps the bytes of a message until the message is whole, and waits for the rest for
 * ever. The bytes are counted as they arrive. Pings and pongs are allowed between the parts of a message, so their bytes are subtracted.
 */
export function limitMessage(webSocket: WebSocket, socket: Duplex, { uploads, messageMs }: InboxLimits): void {
  let arriving: { upload: ArrivingMessage; timer: NodeJS.Timeout } | undefined;
  let bytes = 0;
  const end = () => {
    bytes = 0;
    if (!arriving) return;
    clearTimeout(arriving.timer);
    uploads.end(arriving.upload);
    arriving = undefined;
  };
  const close = (code: number, reason: string) => {
    end();
    webSocket.pause();
    closeSoon(webSocket, code, reason);
  };
  const begin = () => ({
    upload: uploads.begin(() => close(1013, "too many large messages arrive: send this one again later")),
    timer: setTimeout(() => close(1008, `a message has to arrive within ${waitText(messageMs)}`), messageMs),
  });
  const withoutControlFrame = ({ length }: Buffer) => {
    bytes -= length + controlFrameBytes;
    if (bytes <= 0) end();
  };
  // The listener comes before that of `ws`, which emits "message" while it handles the piece with the end of the message.
  socket.prependListener("data", (piece: Buffer) => {
    bytes += piece.length;
    arriving ??= begin();
    uploads.add(arriving.upload, piece.length);
  });
  webSocket.on("message", end);
  webSocket.on("ping", withoutControlFrame);
  webSocket.on("pong", withoutControlFrame);
  webSocket.on("close", end);
}

import type { Tape } from "../../../core/tape.js";

/** Returns a tape that answers with the tape `source` and records its answers with the tape `recorder`. */
export function keptBy(recorder: Tape, source: Tape): Tape {
  const never = () => Promise.reject(new TypeError("there is no wire"));
  return {
    plays: source.plays,
    pathFor: (provider) => source.pathFor?.(provider),
    conceal: (secrets) => recorder.conceal(secrets),
    choose: (choose) => recorder.choose(choose),
    model: (exchange) => recorder.model(exchange, () => source.model(exchange, never)),
    hello: (server, life) => recorder.hello(server, life, (told) => source.hello(server, told, never)),
    server: (exchange, life) => recorder.server(exchange, life, (told) => source.server(exchange, told, never)),
  };
}

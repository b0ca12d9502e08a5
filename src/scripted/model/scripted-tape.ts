import type { Tape } from "../../core/tape.js";
import type { ScriptedModel } from "./scripted-model.js";
import { writtenPath } from "./scripted-wire.js";

/**
 * Returns a tape that answers all model requests with the scripted model. Servers are played from `servers`; if it is undefined, the real
 * servers are used.
 */
export function scriptedTape(model: Pick<ScriptedModel, "answer">, servers?: Tape): Tape {
  return {
    plays: { models: true, servers: servers?.plays.servers ?? false },
    pathFor: () => writtenPath,
    conceal: (secrets) => servers?.conceal(secrets),
    choose: (choose) => choose(),
    model: (exchange) => model.answer(exchange),
    hello: (server, life, connect) => servers?.hello(server, life, connect) ?? connect(life),
    server: (exchange, life, send) => servers?.server(exchange, life, send) ?? send(life),
  };
}

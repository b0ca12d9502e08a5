import type { Tape } from "../../host/tape.js";
import type { ScriptedModel } from "./scripted-model.js";

/**
 * Returns a tape, which stands in for connections to models and servers. The scripted model answers all model requests. The tape `servers`
 * answers for the servers; if `servers` is undefined, the real servers are used.
 */
export function scriptedTape(model: Pick<ScriptedModel, "answer">, servers?: Tape): Tape {
  return {
    playsModels: true,
    isInstant: servers?.isInstant ?? false,
    wireOf: () => "chat",
    conceal: (secrets) => servers?.conceal(secrets),
    choose: (choose) => choose(),
    model: (exchange) => model.answer(exchange),
    hello: (server, life, connect) => servers?.hello(server, life, connect) ?? connect(life),
    server: (exchange, life, send) => servers?.server(exchange, life, send) ?? send(life),
  };
}

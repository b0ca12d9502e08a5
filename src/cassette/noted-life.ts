import type { ServerLife } from "../core/tape.js";
import type { TimedEvent } from "./format.js";

/**
 * Passes everything on and notes it; `ms` is the time since the previous event. List changes are left out: the lists that follow show the
 * same, and when.
 */
export function noted(life: ServerLife, note: (event: TimedEvent) => void, ms: () => number = () => 0): ServerLife {
  return {
    progress(progress) {
      note([ms(), { progress }]);
      life.progress(progress);
    },
    notified(method, params) {
      if (!method.endsWith("/list_changed")) note([ms(), { notify: { method, params } }]);
      life.notified(method, params);
    },
    async ask(method, params, signal) {
      const event: TimedEvent[1] = { ask: { method, params } };
      note([ms(), event]);
      event.answer = await life.ask(method, params, signal);
      return event.answer;
    },
    closed(reason) {
      note([ms(), { closed: reason }]);
      life.closed(reason);
    },
  };
}

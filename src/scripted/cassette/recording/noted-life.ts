import type { ServerLife } from "../../../core/transports.js";
import type { TimedEvent } from "../file/format.js";

/**
 * Returns a listener that records each event with `note` and passes it on to `life`. `ms` returns the time since the previous event.
 * Notifications of changed lists are not recorded, because the changes can be seen from the recorded lists.
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

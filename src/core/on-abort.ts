interface Relay {
  readonly actions: Set<() => void>;
  readonly listener: () => void;
}

const relays = new WeakMap<AbortSignal, Relay>();

/**
 * As a listener to `abort`, each action a function of its own; what is returned takes it back. All who wait for a signal share one of
 * Node's listeners, which costs several microseconds to add and to remove: a turn that listens until its end saves that for each of its
 * requests and calls.
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const { actions, listener } = relays.get(signal) ?? newRelay(signal);
  if (actions.size === 0) signal.addEventListener("abort", listener);
  actions.add(action);
  return () => {
    // With a listener, a signal that depends on others is kept in memory for as long as they are there.
    if (actions.delete(action) && actions.size === 0) signal.removeEventListener("abort", listener);
  };
}

function newRelay(signal: AbortSignal): Relay {
  const actions = new Set<() => void>();
  const relay = {
    actions,
    listener() {
      for (const action of actions) safely(action);
    },
  };
  relays.set(signal, relay);
  return relay;
}

/** What it throws keeps it from no other: it is uncaught after them, as what a listener throws is. */
function safely(action: () => void): void {
  try {
    action();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

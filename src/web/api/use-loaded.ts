import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiFailure } from "./host-client.js";

export interface Loaded<Value> {
  value: Signal<Value | undefined>;
  failure: Signal<string | undefined>;
  reload: () => Promise<void>;
  /** Runs the work, then loads the value again. If the work fails, the message of the error is in `failure`. */
  act: (work: () => Promise<unknown>) => Promise<void>;
}

/**
 * Runs work that asks the host. If the host refuses it, the message of the error is in `failure` until other work succeeds. Work that was
 * aborted counts as neither.
 */
export function useAttempts() {
  const failure = useSignal<string | undefined>(undefined);
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
      failure.value = undefined;
    } catch (error) {
      if (error instanceof ApiFailure) failure.value = error.message;
      else if (!(error instanceof DOMException)) throw error;
    }
  };
  return { failure, attempt };
}

/** Loads a value from the host. With `everyMs`, loads the value again at this interval while the page is visible. */
export function useLoaded<Value>(load: () => Promise<Value>, everyMs?: number): Loaded<Value> {
  const value = useSignal<Value | undefined>(undefined);
  const { failure, attempt } = useAttempts();
  const reload = () =>
    attempt(async () => {
      value.value = await load();
    });
  const act = (work: () => Promise<unknown>) =>
    attempt(async () => {
      await work();
      value.value = await load();
    });
  useEffect(() => {
    void reload();
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.hidden || void reload(), everyMs);
    return () => clearInterval(timer);
  }, []);
  return { value, failure, reload, act };
}

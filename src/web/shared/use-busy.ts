import { useSignal } from "@preact/signals";

/** Returns the action, and whether it runs. A button that is disabled meanwhile is not pressed twice. */
export function useBusy<Args extends unknown[]>(action: (...args: Args) => Promise<void>) {
  const isBusy = useSignal(false);
  const run = async (...args: Args) => {
    isBusy.value = true;
    await action(...args);
    isBusy.value = false;
  };
  return { isBusy: isBusy.value, run };
}

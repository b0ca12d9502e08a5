import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import { ApiFailure } from "../api/host-client.js";
import { visibleText } from "../markdown/visible.js";

/** Distance from the top of the view, in pixels, within which the button loads earlier turns by itself. */
const aheadPx = 600;

interface EarlierTurnsProps {
  log: ConversationLog;
  /** The element that scrolls. If it is given, earlier turns are also loaded when the user scrolls up to the button. */
  frame?: RefObject<HTMLElement | null>;
}

/** Button that loads earlier turns. It is there until the whole conversation is loaded. */
export function EarlierTurns({ log, frame }: EarlierTurnsProps) {
  const button = useRef<HTMLButtonElement>(null);
  const isBusy = useSignal(false);
  const failure = useSignal<string | undefined>(undefined);
  const load = async () => {
    isBusy.value = true;
    failure.value = undefined;
    try {
      await log.loadEarlier();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failure.value = error.message;
    }
    isBusy.value = false;
  };
  const [first] = log.stored.value;
  useEffect(() => {
    const root = frame?.current;
    if (!root || !button.current) return undefined;
    // A new observer for each page: it notices also a button that is still in view after the page before.
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void load(), {
      root,
      rootMargin: `${aheadPx}px 0px 0px 0px`,
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [frame, first]);
  useEffect(() => {
    const { current } = button;
    // When the last page is loaded, the button goes, and its focus would be lost.
    return () => void (document.activeElement === current && frame?.current?.focus({ preventScroll: true }));
  }, [frame]);
  return (
    <div class="earlier small quiet">
      <button type="button" class="small" ref={button} aria-disabled={isBusy.value} onClick={() => void load()}>
        {isBusy.value ? "Loading earlier turns…" : "Show earlier turns"}
      </button>
      {failure.value && <p role="alert">{visibleText(`Earlier turns could not be loaded: ${failure.value}`)}</p>}
    </div>
  );
}

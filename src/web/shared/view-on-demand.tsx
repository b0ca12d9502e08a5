import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

/** Returns a component whose code the browser loads when it is first shown. */
export function onDemand<Props extends object>(
  load: () => Promise<FunctionComponent<Props>>,
): FunctionComponent<Props> {
  const loaded = signal<FunctionComponent<Props> | "loading" | "failed" | undefined>(undefined);
  const begin = async () => {
    loaded.value = "loading";
    loaded.value = await load().catch(() => "failed" as const);
  };
  return function OnDemand(props: Props) {
    const { value: View } = loaded;
    useEffect(() => void (loaded.peek() ?? begin()), []);
    if (typeof View === "function") return <View {...props} />;
    if (View !== "failed") return null;
    return (
      <section class="page" role="alert">
        <p>This part of the page could not be loaded. The host may have been updated.</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load the page again
        </button>
      </section>
    );
  };
}

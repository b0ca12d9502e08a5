/** The list of prompts, which opens after `/`, and that of resources, which opens after `@`. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect } from "preact/hooks";
import { type WrittenMessage, writtenMessage } from "../api/attached-file.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import type { ShownPart } from "../api/host-messages.js";
import { filledPrompt, listPrompts, listResources, readResource } from "../api/host-setup.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { type Argument, ArgumentForm } from "./argument-form.js";

/** Number of entries that are shown. Who looks for another one types more of its name. */
const mostShown = 30;

interface Offer {
  name: string;
  about: string;
  arguments: readonly Argument[];
  /** The prompt or URI template for whose arguments the server proposes values. */
  of: { prompt: string } | { template: string };
  load: (values: Record<string, string>) => Promise<ShownPart[]>;
}

interface OfferListProps {
  api: Api;
  field: HTMLTextAreaElement;
  /** The begun name, with the sign before it. */
  begun: string;
  onLoaded: (message: WrittenMessage) => void;
  onClose: () => void;
}

/** A list below which the person continues to type. The message field keeps the focus. */
export function OfferList({ api, field, begun, onLoaded, onClose }: OfferListProps) {
  const id = useId();
  const [sign = "", sought = ""] = [begun[0], begun.slice(1).toLowerCase()];
  const offers = useSignal<readonly Offer[] | undefined>(undefined);
  const failure = useSignal<string | undefined>(undefined);
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failure.value = error.message;
    }
  };
  useEffect(() => {
    void attempt(async () => {
      offers.value = await (sign === "/" ? promptOffers(api) : resourceOffers(api));
    });
  }, []);
  const picked = useSignal<Offer | undefined>(undefined);
  const at = useSignal(0);
  const shown = (offers.value ?? [])
    .filter(({ name, about }) => `${name} ${about}`.toLowerCase().includes(sought))
    .slice(0, mostShown);
  const isLoading = !offers.value && failure.value === undefined;
  const current = Math.min(at.value, shown.length - 1);
  const load = ({ load: loadOffer }: Offer, values: Record<string, string>) =>
    attempt(async () => onLoaded(writtenMessage(await loadOffer(values))));
  const pick = (chosen: Offer | undefined) => {
    if (chosen?.arguments.length) picked.value = chosen;
    else if (chosen) void load(chosen, {});
  };
  useLayoutEffect(() => {
    at.value = 0;
  }, [begun]);
  // Layout effects, so that a key never meets the list as it was before the last letter.
  useLayoutEffect(() => {
    const moves: Partial<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const onKeyDown = (event: KeyboardEvent) => {
      const { key, isComposing, shiftKey } = event;
      const move = moves[key];
      const isPick = (key === "Enter" || key === "Tab") && !shiftKey;
      const isOpen = shown.length > 0 || isLoading;
      if (isComposing || !isOpen || !(move || isPick || key === "Escape")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (move) at.value = (current + move + shown.length) % shown.length;
      else if (isPick) pick(shown[current]);
      else onClose();
    };
    const onBlur = () => picked.value || onClose();
    // Before the message field itself, which would send the message.
    field.addEventListener("keydown", onKeyDown, { capture: true });
    field.addEventListener("blur", onBlur);
    return () => {
      field.removeEventListener("keydown", onKeyDown, { capture: true });
      field.removeEventListener("blur", onBlur);
    };
  });
  useLayoutEffect(() => {
    if (shown.length === 0) return undefined;
    field.setAttribute("aria-controls", id);
    field.setAttribute("aria-activedescendant", `${id}-${current}`);
    document.getElementById(`${id}-${current}`)?.scrollIntoView({ block: "nearest" });
    return () => {
      field.removeAttribute("aria-controls");
      field.removeAttribute("aria-activedescendant");
    };
  });
  const offer = picked.value;
  if (offer) {
    const { name, about, of } = offer;
    return (
      <ArgumentForm
        {...{ api, of, about, failure: failure.value }}
        title={name}
        arguments={offer.arguments}
        onFilled={(values) => load(offer, values)}
        onClose={onClose}
      />
    );
  }
  return (
    <div class="offers">
      <Alert text={failure.value} />
      {isLoading && <p class="card small quiet">Asking the servers…</p>}
      {shown.length > 0 && (
        <div
          id={id}
          role="listbox"
          aria-label={sign === "/" ? "Prompts" : "Resources"}
          class="card"
          onMouseDown={(event) => event.preventDefault()} // the message field keeps the focus
        >
          {shown.map((each, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the message field takes the keys
            <div id={`${id}-${index}`} role="option" aria-selected={index === current} onClick={() => pick(each)}>
              <strong>{visibleText(each.name)}</strong> <span class="small quiet">{visibleText(each.about)}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

async function promptOffers(api: Api): Promise<Offer[]> {
  return (await listPrompts(api)).map((prompt) => ({
    name: prompt.name,
    about: prompt.description,
    arguments: prompt.arguments,
    of: { prompt: prompt.name },
    load: (values) => filledPrompt(api, prompt, values),
  }));
}

/** Loads the resources, then the URI templates whose variables this page can fill in. */
async function resourceOffers(api: Api): Promise<Offer[]> {
  const { resources, templates } = await listResources(api);
  const one = resources.map(({ uri, name, server, description }) => ({
    name: name || uri,
    about: [server, uri, description].filter(Boolean).join(" · "),
    arguments: [],
    of: { template: uri },
    load: () => readResource(api, uri),
  }));
  const variable = /\{(\+?)(\w+)\}/g;
  const many = templates
    .filter(({ uri_template: template }) => !template.replaceAll(variable, "").includes("{"))
    .map(({ uri_template: template, server }) => ({
      name: template,
      about: server,
      arguments: [...template.matchAll(variable)].map(([, , name = ""]) => ({ name, description: "", required: true })),
      of: { template },
      load: (values: Record<string, string>) => {
        const fill = (_: string, plus: string, name: string) =>
          plus ? (values[name] ?? "") : encodeURIComponent(values[name] ?? "");
        return readResource(api, template.replaceAll(variable, fill));
      },
    }));
  return [...one, ...many];
}

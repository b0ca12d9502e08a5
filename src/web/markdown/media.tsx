/** Pictures and sound that a model or a server has sent. Data is shown at once. An address is opened only by a click. */
import { ForeignLink } from "./foreign-link.js";
import { visibleText } from "./visible.js";

interface PictureProps {
  /** Data as `data:image/…`, or the address of a picture elsewhere. */
  address: string;
  text: string;
}

export function ShownPicture({ address, text }: PictureProps) {
  if (/^data:image\/[a-z0-9.+-]+;base64,/.test(address))
    return <img class="sent" src={address} alt={text || "Picture"} />;
  const name = text || "Picture";
  return (
    <ForeignLink href={address}>
      {name}
      {URL.canParse(address) && <span class="quiet small"> (picture on {new URL(address).host || "this device"})</span>}
    </ForeignLink>
  );
}

interface MediaProps {
  type: "image" | "audio";
  data: string;
  mime_type: string;
  /** Name for people who do not see it. */
  text?: string;
}

export function SentMedia({ type, data, mime_type, text = "From the tool" }: MediaProps) {
  const address = `data:${mediaType(mime_type, type)};base64,${data}`;
  return type === "image" ? (
    <img class="sent" src={address} alt={text} />
  ) : (
    // biome-ignore lint/a11y/useMediaCaption: no captions exist
    <audio controls src={address} aria-label={text} />
  );
}

export function SentLink({ uri, name }: { uri: string; name?: string | undefined }) {
  return (
    <p class="small">
      <ForeignLink href={uri}>{visibleText(name ?? uri)}</ForeignLink>{" "}
      {name && <span class="quiet">{visibleText(uri)}</span>}
    </p>
  );
}

/** Returns the media type if it belongs to the family. Otherwise returns the family as a wildcard, since a server may send any type. */
function mediaType(type: string, family: "image" | "audio"): string {
  return new RegExp(`^${family}/[a-z0-9.+-]+$`).test(type) ? type : `${family}/*`;
}
